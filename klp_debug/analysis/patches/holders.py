# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose an ftrace_ops is, by name: the kprobes, BPF programs or tracing instance behind it."""

from collections.abc import Iterable
from functools import cached_property

from drgn import Object, cast

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.bpf_trampolines import bpf_programs_at
from klp_debug.kernel.kprobes import Kprobe, for_each_kprobe
from klp_debug.kernel.walk import c_string
from klp_debug.result.unknown import Unknown

Names = tuple[str | Unknown, ...]

_KILLSWITCH_HANDLER = "ks_kprobe_pre_handler"
"""
Lets a function return what the administrator chose, without being run.

Source: kernel/killswitch.c as posted for Linux in 2026 ("killswitch: add per-function short-circuit
mitigation primitive"), and the module of that name outside the tree; no release up to v7.2 has it.
"""


class Holders:
    """Names those behind the ops of one target."""

    def __init__(self, view: KernelView) -> None:
        """Prepare; nothing is read before it is needed."""
        self._view = view

    def of(self, user: object, ops: Object, sites: Iterable[int], targets: Iterable[int]) -> Names:
        """
        Return the names of those behind an ops; what cannot be read is a problem of the view.

        :param user: who its callback belongs to
        :param ops: ``struct ftrace_ops *``
        :param sites: addresses of the sites that are asked about
        :param targets: what these sites call directly
        """
        if user == "kprobes":
            return self._probes(frozenset(sites))
        if user == "BPF":
            return tuple(name for target in targets for name in self._programs(target))
        if user == "function tracer":
            where = f"instance of ftrace_ops {ops.value_():#x}"
            return (self._view.problems.attempt(where, _instance, ops),)
        return ()

    @cached_property
    def _kprobes(self) -> Walked[Kprobe]:
        return self._view.problems.walk("kprobe_table", for_each_kprobe(self._view.prog))

    def _probes(self, sites: frozenset[int]) -> Names:
        names: list[str | Unknown] = [
            self._probe(probe) for probe in self._kprobes if probe.probed in sites
        ]
        missing = self._kprobes.missing
        return tuple(names) if missing is None else (*names, missing)

    def _probe(self, probe: Kprobe) -> str:
        what = probe.symbol or self._view.symbols.label(probe.probed)
        owner = f", event {probe.event}" if probe.event else ""
        calls = self._view.symbols.known_at(probe.pre_handler)
        if calls is not None and calls.name == _KILLSWITCH_HANDLER:
            owner = ", of killswitch"
        handler = ", with a post_handler" if probe.post_handler else ""
        return f"kprobe on {what}{owner}{handler}"

    def _programs(self, target: int) -> Names:
        where = f"BPF programs at {target:#x}"
        programs = self._view.problems.attempt(where, bpf_programs_at, self._view.prog, target)
        if isinstance(programs, Unknown):
            return (programs,)
        return tuple(
            # A name is optional.
            " ".join(("BPF program", *each.name.split(), f"(id {each.id})"))
            for each in programs or ()
        )


def _instance(ops: Object) -> str:
    """Return the tracing instance that an ops of the function tracer is of."""
    instance = cast("struct trace_array *", ops.private.read_())
    name = instance.name if instance else None
    return f"instance {c_string(name)}" if name else "the top tracing instance"
