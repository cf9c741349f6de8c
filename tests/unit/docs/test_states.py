# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of states: it says what the commands print, of every state and for every command."""

import re
from functools import cache
from pathlib import Path

import pytest

import docs
from tests.support.patch_states import STATES, said

PAGE = (Path(docs.__file__).parent / "states.md").read_text()
COMMANDS = ("list", "func", "site", "transition", "bt", "report", "disarm", "arm", "undo")
CODE = re.compile(r"``(.+?)``|`(.+?)`")
ELSEWHERE = {
    ("forced off", "list"): {"enabled, forced"},
    ("its object loaded again", "list"): {"list --long"},
}
"""What a cell says of another moment, or of another option."""


def tables() -> list[list[list[str]]]:
    """Return the cells of each table of the page."""
    found = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    return [
        [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
        for table in found
    ]


def cells() -> dict[tuple[str, str], str]:
    """Return state and command -> what the page says."""
    found = {}
    for heading, _, *rows in tables()[1:]:
        commands = [name.strip("`") for name in heading[1:]]
        for state, *row in rows:
            found.update({(state, one): cell for one, cell in zip(commands, row, strict=True)})
    return found


@cache
def printed(state: str, command: str) -> str:
    return " ".join(said(STATES[state](), command).split())


def test_every_state_is_told_of_by_every_command() -> None:
    assert list(cells()) == [
        (state, command)
        for commands in (COMMANDS[:3], COMMANDS[3:6], COMMANDS[6:])
        for state in STATES
        for command in commands
    ]
    meanings = [state for state, _ in tables()[0][2:]]
    assert meanings == list(STATES)
    assert all(cells().values())


@pytest.mark.parametrize(("state", "command"), cells(), ids="-".join)
def test_a_command_prints_what_the_page_says(state: str, command: str) -> None:
    phrases = {one or other for one, other in CODE.findall(cells()[state, command])}
    for phrase in phrases - ELSEWHERE.get((state, command), set()):
        assert phrase in printed(state, command)


def test_what_is_as_enabled_has_its_words() -> None:
    for (state, command), cell in cells().items():
        if cell.startswith("as enabled") and command != "disarm":
            for one, other in CODE.findall(cells()["enabled", command]):
                assert (one or other) in printed(state, command)
