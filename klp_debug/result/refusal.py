# SPDX-License-Identifier: GPL-2.0-or-later
"""Why the kernel refused a patch, or a part of one, as its log tells."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One line of the kernel's log that tells why a patch was not loaded or not applied."""

    seconds: float
    """Since boot."""
    line: str
    """What the kernel said."""
    means: str
    do: str
    in_the_way: str | None
    """Who has the function now, where the kernel found somebody there."""
