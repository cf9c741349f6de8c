# SPDX-License-Identifier: GPL-2.0-or-later
"""The forms of output: every command has those that it offers, and they tell of themselves."""

import pytest

from klp_debug.command import COMMANDS
from klp_debug.render.formats import FORMATS
from tests.support.answers.scan import MODULE, PATCH, WARNING, scan


def test_all_that_commands_offer_are_there() -> None:
    offered = {"text", "json", *(name for command in COMMANDS for name in command.formats)}
    assert offered == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_each_prints_an_answer(name: str) -> None:
    """As print() is given it: its last line is not ended."""
    text = FORMATS[name].render(scan(MODULE, PATCH, hazards=(WARNING,)))
    assert text
    assert not text.endswith("\n")
    assert FORMATS[name].help.startswith("print ")
