# SPDX-License-Identifier: GPL-2.0-or-later
"""
Whether drgn is one that this software is made for.

It imports drgn alone: the shell, drgn's plugin and GDB ask before they import what an older drgn
lacks.
"""

import drgn

_NEEDED = (0, 3)


def drgn_too_old() -> str | None:
    """
    Return what to tell the user of a drgn that is too old; None if it is not.

    Not probed: an older drgn has part of what is needed, and would fail at the rest one by one.
    """
    numbers = [int(number) for number in drgn.__version__.split(".")[:2] if number.isdecimal()]
    if tuple(numbers) >= _NEEDED:
        return None
    return f"this is drgn {drgn.__version__}, and 0.3.0 or later is needed"
