# SPDX-License-Identifier: GPL-2.0-or-later
"""Branch instructions, made from where they are and where they go."""

from klp_debug.ppc64le.instruction import sign_extend

_LI_MASK = 0x03FFFFFC


def encode_branch(address: int, target: int, *, link: bool) -> int | None:
    """
    Make a ``b`` or ``bl``, as ``create_branch()`` of code-patching.h does.

    :param address: where the branch will be
    :param link: whether to make it a ``bl``
    :return: the word; None if the target is not reachable (-32 MiB to +32 MiB - 4) or the
        distance is not a multiple of 4
    """
    offset = sign_extend(target - address, 64)
    if not -0x2000000 <= offset <= 0x1FFFFFC or offset & 3:
        return None
    return 0x48000000 | offset & _LI_MASK | link
