# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``scan``; test_as_csv.py has its table, test_as_sarif.py its SARIF log."""

import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from klp_debug.render.as_text import as_text
from klp_debug.result.audit import Offsets
from klp_debug.result.common import Problem
from klp_debug.result.scan import FunctionCounts, Scan, ScannedFile, ScanPart, ScanRest
from tests.support.answers.scan import ERROR, FUNCTIONS, MODULE, PATCH, WARNING, scan
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden


def test_a_module(golden: Golden) -> None:
    golden("scan", "module", as_text(scan(MODULE)))


def test_functions(golden: Golden) -> None:
    golden("scan", "functions", as_text(scan(dataclasses.replace(MODULE, functions=FUNCTIONS))))


def test_code_without_toc_has_no_leaves(golden: Golden) -> None:
    pcrel = dataclasses.replace(
        MODULE, pcrel=True, functions=FUNCTIONS[:1], offsets=MODULE.offsets[:1]
    )
    golden("scan", "pcrel", as_text(scan(pcrel)))


def test_large_numbers_can_be_read(golden: Golden) -> None:
    counts = FunctionCounts(functions=19067, leaf=1729, toc=14267, notrace=798, no_site=2273)
    offsets = (Offsets(False, 4, 1729), Offsets(True, 12, 14267))
    golden(
        "scan", "large", as_text(scan(dataclasses.replace(MODULE, counts=counts, offsets=offsets)))
    )


def test_hazards_come_first_and_the_worst_before_all(golden: Golden) -> None:
    golden("scan", "ordinary", as_text(scan(PATCH, hazards=(WARNING, ERROR))))


def test_of_several_files_each_hazard_names_its_own(golden: Golden) -> None:
    golden("scan", "several-files", as_text(scan(MODULE, PATCH, hazards=(WARNING,))))


def test_accepted_hazards_are_only_counted(golden: Golden) -> None:
    known = dataclasses.replace(ERROR, accepted=True)
    golden("scan", "accepted", as_text(scan(PATCH, hazards=(known, WARNING))))
    golden("scan", "all-accepted", as_text(scan(PATCH, hazards=(known,))))


def test_a_clean_patch_and_what_was_passed_over(golden: Golden) -> None:
    answer = scan(PATCH, skipped=2, problems=(Problem("x.ko", "x.ko is truncated"),))
    golden("scan", "problems", as_text(answer))


def test_a_file_of_a_folder_takes_one_line_unless_there_is_more_to_say(golden: Golden) -> None:
    golden("scan", "part-module", as_text(part(MODULE)))
    golden("scan", "part-patch", as_text(part(PATCH, hazards=(WARNING,))))
    golden("scan", "part-functions", as_text(part(replace(MODULE, functions=FUNCTIONS))))
    assert "\x1b" not in as_text(part(replace(MODULE, path="\x1b[31m.ko")))


def test_what_is_left_to_say_of_a_folder(golden: Golden) -> None:
    whole = scan(MODULE, PATCH, hazards=(WARNING,), problems=(Problem("x.ko", "is truncated"),))
    golden("scan", "rest", as_text(ScanRest(**fields_of(whole))))


def part(file: ScannedFile, **more: Any) -> ScanPart:
    return ScanPart(**fields_of(scan(file, **more)))


def fields_of(answer: Scan) -> dict[str, Any]:
    return {field.name: getattr(answer, field.name) for field in dataclasses.fields(answer)}


def test_no_file(golden: Golden) -> None:
    golden("scan", "empty", as_text(scan(skipped=1)))


def test_hostile_names(golden: Golden) -> None:
    files = dataclasses.replace(MODULE, functions=FUNCTIONS), PATCH
    every = scan(*files, hazards=(WARNING,), problems=(Problem("x.ko", "is truncated"),))
    golden("scan", "hostile-names", as_text(with_names(every, HOSTILE)))


def test_long_names(golden: Golden) -> None:
    assert PATCH.patch is not None
    first, *_ = PATCH.patch
    long = dataclasses.replace(first, object=LONG, old_name=LONG)
    functions = (dataclasses.replace(FUNCTIONS[0], name=LONG),)
    answer = scan(
        dataclasses.replace(PATCH, patch=(long,), functions=functions),
        hazards=(dataclasses.replace(WARNING, subject=f"{LONG} [{LONG}]"),),
    )
    golden("scan", "long-names", as_text(answer))


@pytest.mark.parametrize(
    ("fail_on", "accepted", "clean"),
    [
        ("note", False, False),
        ("warning", False, False),
        ("error", False, True),
        ("warning", True, True),
    ],
)
def test_what_counts(fail_on: str, accepted: bool, clean: bool) -> None:
    one = dataclasses.replace(WARNING, accepted=accepted)
    assert scan(PATCH, hazards=(one,), fail_on=fail_on).clean is clean
