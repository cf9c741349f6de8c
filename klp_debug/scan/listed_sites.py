# SPDX-License-Identifier: GPL-2.0-or-later
"""
Whether the list of a file's sites has them all: ftrace knows no other.

recordmcount looks into sections of text that it knows by name; that of older kernels knows none of
-ffunction-sections, so that of a unit compiled so it lists next to nothing (kpatch #1102). Source:
``is_mcounted_section_name()`` in scripts/recordmcount.c.
"""

import numpy as np

from klp_debug.result.text import plural
from klp_debug.scan import hazards
from klp_debug.scan.census import Census, FunctionKind
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.site_table import LISTS


def check_listed(census: Census, log: HazardLog, *, is_patch: bool) -> None:
    """
    Note the sites that no list names.

    :param is_patch: whether it is a live patch: an object of another kind may wait for recordmcount
    """
    listed = len(census.sites.offset) if _has_list(census) else 0
    calls = census.sites.unlisted
    if len(calls) and (listed or is_patch):
        section, offset = (int(number) for number in calls[0])
        where = f"{census.obj.sections[section].name}+{offset:#x}"
        _note(census, log, "calls of _mcount", "calling _mcount", len(calls), listed, where)
    entries = np.flatnonzero((census.kinds == FunctionKind.UNLISTED) & census.patchable_entry)
    if len(entries):
        where = f"{census.section_name(int(entries[0]))}, {census.name(int(entries[0]))}"
        has = "with a patchable entry"
        _note(census, log, "patchable entries", has, len(entries), listed, where)


def _note(
    census: Census,
    log: HazardLog,
    subject: str,
    has: str,
    unlisted: int,
    listed: int,
    where: str,
) -> None:
    if _has_list(census):
        known = f"{listed} {'is' if listed == 1 else 'are'} listed"
        known += f": ftrace will not know the other {unlisted}"
    else:
        known = f"the file has no {LISTS[0]}: ftrace will know none"
    functions = f"{plural(unlisted + listed, 'function')} {has}, {known}"
    log.add(hazards.SITES_UNLISTED, subject, f"{functions}; the first is at {where}")


def _has_list(census: Census) -> bool:
    return any(source in LISTS for source in census.sites.sources)
