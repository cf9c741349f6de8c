# SPDX-License-Identifier: GPL-2.0-or-later
"""What could not be read or did not make sense: part of an answer, never a traceback."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that this answer does not know, and why."""

    where: str
    """The structure or address, in the kernel's words: ``klp_patch leaf_patch``."""
    what: str
    """The reason, as one sentence."""
