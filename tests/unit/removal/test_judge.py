# SPDX-License-Identifier: GPL-2.0-or-later
"""What is false of what came of a command: its answer in each form, exit status, refusal."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.removal.false_statement import FalseStatement
from tests.support.removal.judge import false_statements
from tests.support.removal.outcome import Answered, Failed, Outcome, Refused

PROBLEM = {"where": "klp_patches", "what": "page 0x3ee0000 is not in the dump"}
UNKNOWN = {"unknown": "page 0x3ee0000 is not in the dump"}
WHOLE = Answered(
    document={"patches": ["leaf_patch"], "problems": []},
    text="leaf_patch  enabled",
    page="<!DOCTYPE html><html><head><title>t</title></head><body>leaf_patch</body></html>",
    clean=True,
)
HONEST = Answered(
    document={"patches": [UNKNOWN], "problems": [PROBLEM]},
    text="unknown (page 0x3ee0000 is not in the dump)\n\nproblems\n    klp_patches: page",
    page="<!DOCTYPE html><html><head><title>t</title></head><body>unknown</body></html>",
    clean=False,
)


def forms(after: Outcome, before: Outcome = WHOLE) -> list[str]:
    return [one.form for one in false_statements(before, after)]


def test_the_same_is_true() -> None:
    assert forms(WHOLE) == []


def test_what_is_unknown_is_true() -> None:
    assert forms(HONEST) == []


def test_each_form_is_judged() -> None:
    none: Any = {"patches": [], "problems": [PROBLEM]}
    assert forms(replace(HONEST, document=none)) == ["json"]
    assert forms(replace(HONEST, text="no live patch is loaded")) == ["text", "text"]
    page = "<!DOCTYPE html><html><head><title>t</title></head><body>no patch</body></html>"
    assert forms(replace(HONEST, page=page)) == ["page", "page"]


def test_an_answer_that_differs_has_an_exit_status_of_1() -> None:
    assert forms(replace(HONEST, clean=True)) == ["exit"]
    noted: Any = {**WHOLE.document, "problems": [PROBLEM]}
    assert forms(replace(WHOLE, document=noted)) == ["exit"]
    assert forms(replace(WHOLE, document=noted, clean=False)) == []


def test_an_answer_that_differs_tells_why() -> None:
    assert forms(replace(WHOLE, clean=False)) == ["exit"]


@pytest.mark.parametrize(
    ("sentence", "true"),
    [
        ("the list of modules cannot be read: page 0x3ee0000 is not in the dump", True),
        ("which CPU crashed cannot be told", True),
        ("no function vfs_read in this kernel", False),
        ("no CPU crashed here", False),
    ],
)
def test_refusals(sentence: str, true: bool) -> None:
    assert (forms(Refused(sentence)) == []) == true
    assert forms(Refused(sentence), Refused(sentence)) == []


def test_a_refusal_that_becomes_an_answer_is_false() -> None:
    assert forms(WHOLE, Refused("no CPU crashed here")) == ["refusal"]


def test_a_traceback_is_false_always() -> None:
    failed = Failed("IndexError: list index out of range")
    assert forms(failed) == ["failure"]
    assert forms(failed, failed) == ["failure"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            FalseStatement("json", "patches[0].functions[2].runs", '"replacement"', '"original"'),
            FalseStatement("json", "patches[3].functions[11].runs", '"overridden"', "null"),
        ),
        (
            FalseStatement("text", "", "", "leaf_patch c0080000001401e0, 56 bytes"),
            FalseStatement("text", "", "", "leaf_patch c008000000230000, 8 bytes"),
        ),
        (
            FalseStatement("text", "", "4 patches", ""),
            FalseStatement("text", "", "3 patches", ""),
        ),
    ],
)
def test_what_differs_in_numbers_has_one_shape(one: FalseStatement, other: FalseStatement) -> None:
    assert one.shape == other.shape


def test_what_is_missing_has_another_shape_than_what_is_new() -> None:
    new, missing = FalseStatement("text", "", "", "a"), FalseStatement("text", "", "a", "")
    assert new.shape != missing.shape
