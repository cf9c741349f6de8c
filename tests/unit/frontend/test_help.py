# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``--help`` prints, for each command and for all, in a terminal of 80 columns."""

import argparse
import sys

import pytest

from klp_debug.frontend.cli import main, parser
from tests.support.golden import Golden
from tests.support.older_help import older_help


def names() -> list[str]:
    (commands,) = parser()._subparsers._group_actions  # type: ignore[union-attr]
    return ["klp-debug", *commands.choices]  # type: ignore[misc]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


def printed(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    try:
        status: object = main([*([] if name == "klp-debug" else [name]), "--help"])
    except SystemExit as ended:  # by argparse
        status = ended.code
    assert status == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", names())
def test_help(name: str, golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(name, capsys)
    golden("help", name, older_help(text).removesuffix("\n"))
    if sys.version_info < (3, 13):
        assert older_help(text) == text


def test_no_help_of_what_is_none(golden: Golden) -> None:
    golden.only("help", names())


@pytest.mark.parametrize("name", names())
def test_help_of_a_newer_python_is_read_as_the_same(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    older = printed(name, capsys)
    if sys.version_info < (3, 13):
        monkeypatch.setattr(argparse.HelpFormatter, "_format_action_invocation", newer_invocation)
    newer = printed(name, capsys)
    assert ("-s, --symbols PATH" in newer) == ("--symbols PATH" in older)
    assert older_help(newer) == older_help(older)


def newer_invocation(self: argparse.HelpFormatter, action: argparse.Action) -> str:
    """Name an option's value once, as since Python 3.13."""
    if not action.option_strings or action.nargs == 0:
        return OLDER_INVOCATION(self, action)
    value = self._format_args(action, action.dest.upper())
    return f"{', '.join(action.option_strings)} {value}"


OLDER_INVOCATION = argparse.HelpFormatter._format_action_invocation
