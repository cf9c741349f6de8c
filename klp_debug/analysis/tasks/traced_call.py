# SPDX-License-Identifier: GPL-2.0-or-later
"""
The call that a ftrace trampoline was reached from: function B, and A, which called B.

The trampolines are assembly without unwind information, and B has no frame yet: by B's own A would
be where B is, so that a walk never goes on. It must go by what ``ftrace_caller`` saved.

Source: arch/powerpc/kernel/trace/ftrace_entry.S, macro ``ftrace_regs_entry``.
"""

import struct
from dataclasses import dataclass

from drgn import offsetof, sizeof

from klp_debug.analysis.view.find_site import site_of_call
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_symbols import CALL_LABELS, TRAMPOLINES
from klp_debug.kernel.stack_frame import STACK_FRAME_LR_SAVE, STACK_FRAME_MIN_SIZE
from klp_debug.kernel.walk import WalkError
from klp_debug.result.unknown import Unknown

_NAMES = frozenset({*TRAMPOLINES, *CALL_LABELS})
_OVERHEADS = (32, 48, 112)
"""What lies below the registers in the trampoline's frame, in bytes: 112 in 6.1, 48 since 6.2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedCall:
    """Where a walk goes on behind a trampoline."""

    traced: int | None
    """Behind the mcount site of B; None where the kernel does not keep it any more."""
    caller: int
    """Where B returns to in A; ``return_to_handler`` where the function graph tracer follows B."""
    sp: int
    """Beginning of A's frame."""


def is_trampoline(symbol: str | Unknown | None) -> bool:
    """
    Return whether code is that of a ftrace trampoline.

    >>> is_trampoline("ftrace_call+0x4")
    True
    """
    return isinstance(symbol, str) and symbol.partition("+")[0] in _NAMES


def traced_call(view: KernelView, sp: int) -> TracedCall:
    """
    Return what a trampoline was called from that has called its ops.

    >>> call = traced_call(view, 0xc0000000062bb5e0)
    >>> view.symbols.format(call.traced), view.symbols.format(call.caller)
    ('cmdline_proc_show+0x10', 'seq_read_iter+0x24c')

    :param sp: beginning of the trampoline's frame
    :raises WalkError: if that is no frame of a trampoline, or the mcount sites are not known
    :raises drgn.FaultError: if it cannot be read
    """
    back = _doubleword(view, sp)
    type_ = view.prog.type("struct pt_regs")
    regs = back - sizeof(type_)
    if regs - sp not in _OVERHEADS:
        raise WalkError(f"the frame at {sp:#x}, of {back - sp} bytes, is none of a trampoline")
    nip, returns = _doubleword(view, regs + offsetof(type_, "nip")), _return_address(view, back)
    after = _doubleword(view, back)
    if after - back == STACK_FRAME_MIN_SIZE and _is_traced(view, returns):
        # Since Linux kernel commit 41a506ef71eb ("powerpc/ftrace: Create a dummy stackframe to
        # fix stack unwind") (in v6.5) there is a frame for B.
        return TracedCall(traced=returns, caller=_return_address(view, after), sp=after)
    # Livepatch's callback has put the replacement there, once it has run.
    traced = nip if _is_traced(view, nip) else None
    return TracedCall(traced=traced, caller=returns, sp=back)


def _is_traced(view: KernelView, address: int) -> bool:
    """Return whether an address is behind an mcount site."""
    site = site_of_call(view, address)
    if isinstance(site, Unknown):
        raise WalkError(site.reason)
    return site is not None


def _return_address(view: KernelView, sp: int) -> int:
    return _doubleword(view, sp + STACK_FRAME_LR_SAVE)


def _doubleword(view: KernelView, address: int) -> int:
    return int(struct.unpack("<Q", view.prog.read(address % (1 << 64), 8))[0])
