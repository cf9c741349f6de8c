# SPDX-License-Identifier: GPL-2.0-or-later
"""What a function may not do that is to run instead of another."""

import numpy as np

from klp_debug.ppc64le.instruction import is_b
from klp_debug.result.scan import Replacement
from klp_debug.scan import hazards
from klp_debug.scan.census import Census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.module_calls import OuterCalls
from klp_debug.scan.module_data import KlpFunc
from klp_debug.scan.pointers import SectionOffset
from klp_debug.scan.relocations import LateRelocations


def check_replacement(
    census: Census,
    calls: OuterCalls,
    late: LateRelocations,
    subject: str,
    in_object: str,
    func: KlpFunc,
    log: HazardLog,
) -> Replacement | None:
    """
    Return the function that a klp_func puts in another's place, and note what speaks against it.

    :param census: of the patch
    :param calls: its own that leave it
    :param late: its places that livepatch relocates
    :param subject: what users know the klp_func by
    :param in_object: whose function it replaces
    :return: None if new_func leads to none
    """
    function = _find(census, subject, func.new_func, log)
    if function is None:
        return None
    late.check(subject, in_object, function, log)
    section = census.section_name(function)
    if not census.pcrel:
        _check_sibling_calls(census, calls, subject, function, log)
    return Replacement(
        name=census.name(function),
        section=section,
        offset=int(census.functions.start[function]),
        toc_setup=census.toc_setup(function),
    )


def _find(census: Census, subject: str, place: SectionOffset | None, log: HazardLog) -> int | None:
    if place is None:
        log.add(hazards.REPLACEMENT_MISSING, subject, "new_func is NULL, or outside the module")
        return None
    function = census.functions.at(*place)
    if function is not None:
        return function
    where = f"new_func is {census.obj.sections[place[0]].name}+{place[1]:#x}"
    section, offset = (np.array([number], np.int64) for number in place)
    covering = int(census.functions.covering(section, offset)[0])
    if covering < 0:
        log.add(hazards.REPLACEMENT_MISSING, subject, f"{where}, in no function")
        return None
    behind = place[1] - int(census.functions.start[covering])
    evidence = f"{where}, {census.name(covering)}+{behind:#x}"
    log.add(hazards.REPLACEMENT_NOT_AT_ENTRY, subject, evidence)
    return covering


def _check_sibling_calls(
    census: Census, calls: OuterCalls, subject: str, function: int, log: HazardLog
) -> None:
    start = int(census.functions.start[function])
    end = start + int(census.functions.size[function])
    for call in calls.of(int(census.functions.section[function])):
        if start <= call.offset < end and is_b(call.word):
            at = f"{census.name(function)}+{call.offset - start:#x}"
            log.add(hazards.REPLACEMENT_SIBLING_CALL, subject, f"{at}: b {call.symbol}")
