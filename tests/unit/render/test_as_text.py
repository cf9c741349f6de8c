# SPDX-License-Identifier: GPL-2.0-or-later
"""Any answer finds its own view; what a view looks like, the file of its name tests."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from klp_debug.command import COMMANDS
from klp_debug.render.as_text import as_text
from klp_debug.render.audit import audit_lines
from klp_debug.render.bt import trace_list_lines
from klp_debug.render.change import change_lines
from klp_debug.render.func import function_lines
from klp_debug.render.journal import journal_lines, status_lines
from klp_debug.render.list import patch_list_lines
from klp_debug.render.ops import ops_list_lines
from klp_debug.render.report import report_lines
from klp_debug.render.scan import scan_lines
from klp_debug.render.site import site_lines
from klp_debug.render.transition import transition_lines
from klp_debug.result.common import Problem
from klp_debug.result.control import Change
from tests.support.answers.change import DONE
from tests.support.answers.every_command import ANSWERS, UNKNOWN
from tests.support.answers.with_text import HOSTILE, with_names

VIEWS: dict[str, tuple[Callable[[Any], list[str]], str]] = {
    "arm": (change_lines, "leaf_patch: armed, 1 function; written and read back"),
    "audit": (audit_lines, "no finding in 15298 mcount sites"),
    "bt": (trace_list_lines, "cat (52)  disk sleep, last on CPU 1, in a patched function"),
    "disarm": (change_lines, "leaf_patch: disarmed, 1 function; written and read back"),
    "func": (function_lines, "int_to_scsilun [scsi_common]  c0080000001401e0, 56 bytes"),
    "journal": (journal_lines, "boot 4e0f1a5d54b4e7ad: "),
    "list": (patch_list_lines, "PATCH  STATE    OBJECT       FUNCTION "),
    "ops": (ops_list_lines, "OPS                 USER "),
    "report": (report_lines, "VERDICT  Live patching caused this crash."),
    "scan": (scan_lines, "1 error, 1 warning in 2 files"),
    "site": (site_lines, "int_to_scsilun+0x4 [scsi_common]  c0080000001401e4"),
    "status": (status_lines, "3 functions held disarmed"),
    "transition": (transition_lines, "wait_patch: patching, 40 of 41 tasks have switched"),
    "undo": (change_lines, "leaf_patch: taken back, 1 function; written and read back"),
}
"""Command -> its view, and how a line begins that no other view has."""


def test_the_view_of_each_command_is_here() -> None:
    assert sorted(VIEWS) == sorted(command.name for command in COMMANDS)


@pytest.mark.parametrize("name", VIEWS)
def test_an_answer_finds_its_own_view(name: str) -> None:
    _, beginning = VIEWS[name]
    lines = as_text(ANSWERS[name]).split("\n")
    assert [line.startswith(beginning) for line in lines].count(True) == 1


@pytest.mark.parametrize("name", VIEWS)
def test_the_text_is_the_lines_of_the_view_and_nothing_more(name: str) -> None:
    """As print() is given it: the last line is not ended."""
    view, _ = VIEWS[name]
    assert as_text(ANSWERS[name]).split("\n") == view(ANSWERS[name])
    assert not as_text(ANSWERS[name]).endswith("\n")


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_unknown_is_said(name: str) -> None:
    text = as_text(UNKNOWN[name])
    assert "page 0x3ee0000 is not in the dump" in text
    assert "Unknown(" not in text


@pytest.mark.parametrize("name", VIEWS)
def test_a_hostile_target_steers_no_terminal(name: str) -> None:
    """What it has in its strings is there, escaped; no line of them breaks."""
    hostile = with_names(ANSWERS[name], HOSTILE)
    if isinstance(hostile, Change):
        hostile = dataclasses.replace(hostile, notes=DONE.notes)  # klp-debug's own words
    text = as_text(hostile)
    assert text.isascii()
    assert all(line.isprintable() for line in text.split("\n"))
    assert r"\x1b[2J[red]<b>\u202e\n" in text


@pytest.mark.parametrize("name", VIEWS)
def test_every_problem_is_at_the_foot(name: str) -> None:
    answer = dataclasses.replace(ANSWERS[name], problems=(Problem("where it is", "what it is"),))
    assert "where it is" in as_text(answer).split("\n")[-1]


@pytest.mark.parametrize("value", [None, "text", (), object(), Problem("a", "b")])
def test_what_is_no_answer_has_no_view(value: Any) -> None:
    with pytest.raises(TypeError, match=rf"^no view for {type(value).__name__}$"):
        as_text(value)


def test_what_looks_like_an_answer_but_is_of_another_type_has_no_view() -> None:
    @dataclasses.dataclass
    class Scanned:
        problems: tuple[Problem, ...] = ()
        clean: bool = True

    with pytest.raises(TypeError, match=r"^no view for Scanned$"):
        as_text(Scanned())
