# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests that need the lab are in guests/, and those that do not are in unit/."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
MARKED = re.compile(r"^pytestmark = .*\bpytest\.mark\.lab\b", re.MULTILINE)
LAB = re.compile(r"\bmark\.(lab)\b|on_every_kernel")


def test_no_unit_test_needs_the_lab() -> None:
    files = [path for path in (TESTS / "unit").rglob("*.py") if path != Path(__file__)]
    assert [str(path) for path in files if LAB.search(path.read_text())] == []


def test_all_of_guests_does() -> None:
    files = (TESTS / "guests").rglob("test_*.py")
    assert [str(path) for path in files if not MARKED.search(path.read_text())] == []
