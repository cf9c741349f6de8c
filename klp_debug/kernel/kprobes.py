# SPDX-License-Identifier: GPL-2.0-or-later
"""
The kprobes, and the trace events that made them.

Source: kernel/kprobes.c, kernel/trace/trace_kprobe.c.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from drgn import Object, Program, container_of

from klp_debug.kernel.walk import c_string, for_each_hlist_entry, for_each_list_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Kprobe:
    """One user of a probed address."""

    address: int
    """Of ``struct kprobe``."""
    probed: int
    """The address of the probed instruction."""
    symbol: str | None
    """``name+0xoffset`` as its user gave it; None where it gave an address."""
    event: str | None
    """``group/name`` of the trace event that it is of; None if it is of none."""
    pre_handler: int
    """What it calls before the instruction; 0 for nothing."""
    post_handler: bool
    """Whether it has one, so that its ftrace_ops has IPMODIFY."""


def for_each_kprobe(prog: Program) -> Iterator[Kprobe]:
    """
    Iterate over the kprobes, over each of several at one address too.

    >>> [(probe.symbol, probe.event) for probe in for_each_kprobe(prog)]
    [('vfs_read+0x0', 'kprobes/probed')]

    :raises WalkError, drgn.FaultError: where the table is damaged or unreadable
    """
    try:
        table = prog["kprobe_table"]
    except LookupError:  # no CONFIG_KPROBES
        return
    aggregate = _address(prog, "aggr_pre_handler")
    for bucket in table:
        for probe in for_each_hlist_entry("struct kprobe", bucket.address_of_(), "hlist"):
            if probe.pre_handler.value_() != aggregate:
                yield _kprobe(probe)
                continue
            # One stands for several.
            head = probe.list.address_of_()
            for own in for_each_list_entry("struct kprobe", head, "list"):
                yield _kprobe(own)


def _kprobe(probe: Object) -> Kprobe:
    symbol = None
    if probe.symbol_name:
        symbol = f"{c_string(probe.symbol_name)}+{probe.offset.value_():#x}"
    return Kprobe(
        address=probe.value_(),
        probed=probe.addr.value_(),
        symbol=symbol,
        event=_event(probe),
        pre_handler=probe.pre_handler.value_(),
        post_handler=bool(probe.post_handler),
    )


def _event(probe: Object) -> str | None:
    try:
        if not _is_of_an_event(probe):
            return None
        trace = container_of(probe, "struct trace_kprobe", "rp.kp")
        # A struct of its own in 5.6, and not yet in 5.4.
        owner = trace.tp.event if hasattr(trace.tp, "event") else trace.tp
        call = owner.call
    except LookupError:  # no CONFIG_KPROBE_EVENTS
        return None
    return f"{c_string(call.member_('class').system)}/{c_string(call.name)}"


def _is_of_an_event(probe: Object) -> bool:
    """Return whether a kprobe is in a ``struct trace_kprobe``, by its handlers."""
    handler = probe.pre_handler.value_()
    if handler == _address(probe.prog_, "kprobe_dispatcher"):
        return True
    if handler != _address(probe.prog_, "pre_handler_kretprobe"):
        return False
    returns = container_of(probe, "struct kretprobe", "kp")
    return bool(returns.handler.value_() == _address(probe.prog_, "kretprobe_dispatcher"))


def _address(prog: Program, function: str) -> int | None:
    try:
        address = prog.function(function).address_
    except LookupError:
        return None
    return None if address is None else int(address)
