# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of ftrace's trampolines: what they leave to a replacement."""

from collections.abc import Iterator

from klp_debug.analysis import catalogue
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_symbols import FTRACE_CALLER
from klp_debug.ppc64le.trampoline import restores_r15_for_livepatch
from klp_debug.result.address import Address
from klp_debug.result.common import Finding
from klp_debug.result.unknown import Unknown

_WORDS = 192


def trampoline_findings(view: KernelView) -> Iterator[Finding | Unknown]:
    """Check that ``ftrace_caller`` gives a replacement its caller's registers."""
    if not (view.has_livepatch and view.records.out_of_line):
        return
    for symbol in view.symbols.named(FTRACE_CALLER, "vmlinux"):
        count = min(symbol.size // 4 or _WORDS, _WORDS)
        where = "text of ftrace_caller"
        words = view.problems.attempt(where, view.words, symbol.address, count)
        if isinstance(words, Unknown):
            yield words
        elif restores_r15_for_livepatch(words) is False:
            yield catalogue.R15_CLOBBERED.on(
                "ftrace_caller",
                f"at {Address(symbol.address)}: where NIP was changed, nothing loads r15 back"
                " that holds the return address into the out-of-line stub",
            )
