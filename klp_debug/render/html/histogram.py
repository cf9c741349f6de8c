# SPDX-License-Identifier: GPL-2.0-or-later
"""Where in their functions the mcount sites are, as bars."""

import functools
from dataclasses import dataclass

from klp_debug.render.audit import site_place
from klp_debug.result.page import SiteOffsets
from klp_debug.result.unknown import Number, add, lowest

_MOST = 24
"""Bars; sound kernels have a handful of offsets, records of a damaged one may say anything."""
_NONE: Number = 0
_LEAST = 0.5
"""Percent of the width, so that one site among many thousands is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, of the sites at one place."""

    place: str
    dialect: str
    sites: Number
    armed: Number
    width: float
    """In percent of the longest bar."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """The bars, and what is not drawn."""

    bars: tuple[Bar, ...]
    more: int
    """How many other places there are."""
    sites_there: Number
    """How many sites are at those."""


def bars(offsets: tuple[SiteOffsets, ...]) -> Histogram:
    """Return a bar for each place; of too many, those with the most sites."""
    largest = sorted(offsets, key=lambda group: lowest(group.sites), reverse=True)
    drawn, left = largest[:_MOST], largest[_MOST:]
    longest = lowest(largest[0].sites) if largest else 1
    return Histogram(
        bars=tuple(_bar(group, longest) for group in offsets if group in drawn),
        more=len(left),
        sites_there=functools.reduce(add, (group.sites for group in left), _NONE),
    )


def _bar(group: SiteOffsets, longest: int) -> Bar:
    place = site_place(group.toc_setup, group.offset)
    width = max(_LEAST, round(100 * lowest(group.sites) / longest, 2))
    return Bar(
        place=place,
        dialect=group.dialect,
        sites=group.sites,
        armed=group.armed,
        width=width,
    )
