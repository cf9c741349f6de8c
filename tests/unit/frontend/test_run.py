# SPDX-License-Identifier: GPL-2.0-or-later
"""Every front door runs a command in the same order."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from klp_debug.command.command import Command
from klp_debug.control.consent import Consent
from klp_debug.errors import CommandError, TargetError
from klp_debug.frontend import command_parsers
from klp_debug.frontend.cli import main
from klp_debug.frontend.console.console import Console, Done
from klp_debug.frontend.console.own_commands import LeaveConsole
from klp_debug.frontend.hosted_commands import HostedError, answer, hosted_parser
from klp_debug.frontend.run import FrontDoor, run
from klp_debug.result.scan import Scan


class Door:
    """A front door that notes what is done at it."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.happened: list[str] = []
        self.given = Consent(confirm=None, show=lambda change: None)
        self.door = FrontDoor(opened=self._opened, view=self._view, consent=self._consent)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        self.happened.append("opened")
        yield SimpleNamespace(debugger=None, changes=False)
        assert self._capsys.readouterr().out == ""
        self.happened.append("left")

    def _view(self, target: object) -> Any:
        self.happened.append("viewed")

    def _consent(self, hide: Callable[[], None]) -> Consent:
        return self.given


class Noting(Command):
    """A command without arguments, which notes what it is given."""

    def run(self, view: Any, args: Any, consent: Consent, say: Any = None, show: Any = None) -> Any:
        args.happened.append("run")
        assert consent is args.consent
        return Scan(files=(), hazards=(), fail_on="warning", skipped=0, problems=())


@pytest.fixture
def door(capsys: pytest.CaptureFixture[str]) -> Door:
    return Door(capsys)


def args(door: Door) -> argparse.Namespace:
    return argparse.Namespace(
        happened=door.happened, consent=door.given, format="json", debug=False
    )


def test_the_answer_is_printed_when_the_target_was_left(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stopped target runs again before a slow terminal or pager takes the answer."""
    command = Noting(
        name="noting",
        summary="",
        description="",
        run_on=lambda view, args: pytest.fail("not reached"),
    )
    given = run(command, args(door), door.door)
    assert door.happened == ["opened", "viewed", "run", "left"]
    assert isinstance(given, Scan)
    assert capsys.readouterr().out.startswith("{")


def test_no_target_is_opened_for_a_command_that_needs_none(door: Door) -> None:
    command = Noting(
        name="noting",
        summary="",
        description="",
        run_alone=lambda args, say, show: pytest.fail("not reached"),
    )
    run(command, args(door), door.door)
    assert door.happened == ["run"]


def test_a_page_that_cannot_be_written_ends_it_before_the_target_is_opened(
    door: Door, tmp_path: Path
) -> None:
    command = Noting(
        name="noting",
        summary="",
        description="",
        run_on=lambda view, args: pytest.fail("not reached"),
        page_path=lambda args: tmp_path / "no" / "page.html",
    )
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        run(command, args(door), door.door)
    assert door.happened == []


# As if it were in a file of ours.
_MADE: dict[str, Any] = {"__name__": "klp_debug.made"}
exec("def failing(args, say, show):\n    raise AssertionError('odd\\x1b')", _MADE)
FAILING = Command(name="failing", summary="", description="", run_alone=_MADE["failing"])
TOLD = "failing cannot be answered: a bug in klp-debug: AssertionError: odd"


@pytest.mark.parametrize("debug", [False, True])
def test_an_error_of_ours_is_one_sentence(
    door: Door, capsys: pytest.CaptureFixture[str], debug: bool
) -> None:
    given = args(door)
    given.debug = debug
    with pytest.raises(TargetError, match=f"^{TOLD}"):
        run(FAILING, given, door.door)
    err = capsys.readouterr().err
    assert ("Traceback" in err, "in failing" in err) == (debug, debug)
    assert "\x1b" not in err


def test_the_console_survives(capsys: pytest.CaptureFixture[str], door: Door) -> None:
    console = Console(cast("Any", None))
    console.parser.commands["failing"] = FAILING
    assert console.run("failing") == Done(2, failed=True)
    err = capsys.readouterr().err
    assert err.startswith(f"klp-debug: {TOLD}")
    assert err.count("\n") == 1
    assert console.run("failing --debug") == Done(2, failed=True)
    assert capsys.readouterr().err.startswith("Traceback")
    with pytest.raises(LeaveConsole):
        console.run("quit")


def test_inside_another_debugger(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As drgn and GDB run it."""
    monkeypatch.setattr(command_parsers, "COMMANDS", (FAILING,))
    with pytest.raises(HostedError, match=f"^{TOLD}"):
        answer(hosted_parser("klp", ""), lambda: pytest.fail("not reached"), ["failing"])
    assert capsys.readouterr().err == ""


def test_the_shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_parsers, "COMMANDS", (FAILING,))
    assert main(["failing"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"klp-debug: {TOLD}")
    assert err.count("\n") == 1
    assert main(["failing", "--debug"]) == 2
    assert "in failing" in capsys.readouterr().err
