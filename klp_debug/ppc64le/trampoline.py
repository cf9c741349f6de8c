# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the words of ``ftrace_caller`` say about how it leaves.

Source: ``ftrace_regs_exit`` in arch/powerpc/kernel/trace/ftrace_entry.S.
"""

from collections.abc import Sequence

from klp_debug.ppc64le.instruction import BLR, is_ld, ra, rt, sign_extend

_MR_R15_R11 = 0x7D6F5B78
_CMPD_R14_R3 = 0x7C2E1800
_BC = 16
_SCRATCH, _STACK = 15, 1


def restores_r15_for_livepatch(words: Sequence[int]) -> bool | None:
    """
    Return whether r15 is its caller's again when a replacement is to run.

    Out-of-line ftrace keeps the return address into the stub in r15. Where NIP was changed, the
    branch behind ``cmpd r14,r3`` leads over the code for an unchanged one; before Linux kernel
    commit cb5b691f8273 ("powerpc64/ftrace: fix clobbered r15 during livepatching") (in v6.16)
    over the restore as well (CVE-2025-38233).

    >>> restores_r15_for_livepatch((0x7C0802A6, 0x4E800420)) is None  # it does not use r15
    True

    :param words: of the trampoline, from its beginning
    :return: None if it does not use r15 so, or its end is not known
    """
    if _MR_R15_R11 not in words:
        return None
    start = list(words).index(_MR_R15_R11)
    for index in range(start, len(words) - 1):
        branch = words[index + 1]
        if words[index] == _CMPD_R14_R3 and branch >> 26 == _BC:
            target = index + 1 + sign_extend(branch & 0xFFFC, 16) // 4
            return _restored(words, target)
    return None


def _restored(words: Sequence[int], index: int) -> bool | None:
    """Return whether r15 is loaded from the frame between a word and the end of the trampoline."""
    for word in words[max(index, 0) :]:
        if is_ld(word) and rt(word) == _SCRATCH and ra(word) == _STACK:
            return True
        if word == BLR:
            return False
    return None
