# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a text is false when something could not be read."""

import pytest

from tests.support.removal.judge_lines import false_in_pieces, statements

WHOLE = """\
Linux 6.1.176 ppc64le
kdump vmcore

PATCH       STATE    FUNCTION           RUNS
leaf_patch  enabled  int_to_scsilun     replacement
toc_patch   enabled  scsi_set_sense     replacement

2 patches, 2 functions; no transition in progress
"""
ROW = "leaf_patch  enabled  int_to_scsilun     replacement"
PROBLEMS = "\nproblems\n    klp_patches: it is unknown what follows\n"


def false(text: str) -> list[tuple[str, str]]:
    """Return the pairs of what is missing and of what is new."""
    found = false_in_pieces("text", statements(WHOLE), statements(text))
    return [(one.before, one.after) for one in found]


def test_the_same_is_true() -> None:
    assert false(WHOLE) == []


def test_widths_of_columns_are_no_statements() -> None:
    assert false(WHOLE.replace("  enabled  ", "    enabled      ")) == []


@pytest.mark.parametrize(
    "row",
    [
        "leaf_patch  enabled  int_to_scsilun  unknown (page 0x3ee0000 is not in the dump)",
        "Unknown patches",
        "whether there are more patches cannot be told",
        "the list of patches is incomplete",
        "at least 1 patch",
    ],
)
def test_what_says_that_it_is_unknown_is_true(row: str) -> None:
    assert false(WHOLE.replace(ROW, row)) == []


def test_a_changed_cell_is_false() -> None:
    row = "leaf_patch enabled int_to_scsilun original"
    assert ("", row) in false(WHOLE.replace(ROW, row))


def test_a_line_more_is_false() -> None:
    assert false(WHOLE + "error: site-unknown-word\n") == [("", "error: site-unknown-word")]
    assert false(WHOLE + ROW) == [("", " ".join(ROW.split()))]


def test_what_is_missing_is_false_if_nothing_tells() -> None:
    assert false(WHOLE.replace(ROW, "")) == [(" ".join(ROW.split()), "")]
    assert false(WHOLE.replace(ROW, "") + "it is unknown whether there are more") == []


def test_what_was_unknown_before_does_not_tell() -> None:
    before = statements(WHOLE + "offset unknown: in no symbol")
    after = statements(WHOLE.replace(ROW, "") + "offset unknown: in no symbol")
    assert len(false_in_pieces("text", before, after)) == 1


def test_problems_are_true_and_excuse_nothing() -> None:
    assert false(WHOLE + PROBLEMS) == []
    assert false(WHOLE.replace(ROW, "") + PROBLEMS) == [(" ".join(ROW.split()), "")]


def test_the_section_of_problems_ends() -> None:
    assert false(WHOLE + PROBLEMS + "no live patch is loaded\n") == [
        ("", "no live patch is loaded")
    ]


def test_a_folded_sentence_is_one() -> None:
    long = "NOW      " + "word " * 18
    assert statements(f"{long}\n         unknown and\n         more") == [
        f"{' '.join(long.split())} unknown and",
        "more",
    ]


def test_rows_that_had_room_are_not_folded() -> None:
    assert statements("PROOF    r2 = 0x0\n         r3 = 0x1") == ["PROOF r2 = 0x0", "r3 = 0x1"]
