# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a target cannot be opened."""


class TargetError(Exception):
    """
    A target that cannot be used; the message is one sentence for the user.

    It ends a command with exit code 2.
    """


class WriteRefusedError(TargetError):
    """
    A write that the target did not take; the message names the address and says why.

    KGDB answers E14 where the kernel's page tables forbid it: text, with STRICT_KERNEL_RWX.
    """
