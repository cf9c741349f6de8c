# SPDX-License-Identifier: GPL-2.0-or-later
"""What the audit could not check."""

from klp_debug.result.unknown import Unknown


def unchecked(what: str, why: Unknown) -> Unknown:
    """
    Return what stands among the findings for a check that could not be made.

    >>> str(unchecked("stub at 0xc008000000140640", Unknown("paca_ptrs[0]: not in the dump")))
    'unknown (stub at 0xc008000000140640: paca_ptrs[0]: not in the dump)'

    :param what: what could not be checked, in the kernel's words
    """
    return why if why.reason.startswith(what) else Unknown(f"{what}: {why.reason}")
