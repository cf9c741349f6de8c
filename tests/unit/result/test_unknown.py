# SPDX-License-Identifier: GPL-2.0-or-later
"""What could not be read is neither a fact nor nothing."""

import doctest

import pytest

from klp_debug.result import unknown
from klp_debug.result.unknown import (
    AtLeast,
    Unknown,
    add,
    counted,
    first_unknown,
    known,
    lowest,
    number_of,
)

CUT = Unknown("list klp_patches: is cut")
GONE = Unknown("page 0x3ee0000 is not in the dump")


def test_the_samples_of_the_docstrings_are_true() -> None:
    failed, tried = doctest.testmod(unknown)
    assert (failed, tried) == (0, 4)


def test_it_is_no_truth_value() -> None:
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(CUT)


def test_the_first_reason_is_given() -> None:
    assert first_unknown((1, None, "", False)) is None
    assert first_unknown((1, CUT, GONE)) is CUT
    assert first_unknown(item for item in (None, GONE)) is GONE


def test_what_is_there_but_nothing_is_known() -> None:
    """None, zero and the empty string are facts."""
    assert known((0, None, "", CUT)) == (0, None, "")


def test_numbers_of_what_was_not_all_seen() -> None:
    assert number_of(()) == 0
    assert number_of((CUT, 1, GONE)) == AtLeast(1, CUT.reason)
    assert counted(4, None) == 4
    assert counted(0, GONE) == AtLeast(0, GONE.reason)


def test_sums() -> None:
    assert add(1, 2) == 3
    assert add(AtLeast(1, "x"), 2) == AtLeast(3, "x")
    assert add(1, AtLeast(2, "y")) == AtLeast(3, "y")
    assert add(AtLeast(1, "x"), AtLeast(2, "y")) == AtLeast(3, "x")


def test_at_the_least() -> None:
    assert (lowest(3), lowest(AtLeast(3, "x"))) == (3, 3)
