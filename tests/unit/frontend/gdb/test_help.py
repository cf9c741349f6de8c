# SPDX-License-Identifier: GPL-2.0-or-later
"""``help klp``: all commands, and all of a command."""

import pytest

from klp_debug.command import COMMANDS
from tests.support.gdb_process import gdb_run
from tests.support.golden import Golden
from tests.support.older_help import older_help

NAMES = [command.name for command in COMMANDS]
_END = "the help of one command ends here"


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """What ``help klp`` and ``help klp COMMAND`` print, by name; one GDB for all."""
    lines = [f"help klp {name}" for name in NAMES]
    shown = gdb_run(*(word for line in ("help klp", *lines) for word in (line, f"echo {_END}\\n")))
    return dict(zip(("klp", *NAMES), shown.out.split(f"{_END}\n")[:-1], strict=True))


def test_help_lists_each_command(helps: dict[str, str]) -> None:
    for command in COMMANDS:
        summary = f"{command.summary[0].upper()}{command.summary[1:]}."
        assert f"klp {command.name} -- {summary}\n" in helps["klp"]


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command(name: str, helps: dict[str, str], golden: Golden) -> None:
    summary, newline, text = helps[name].partition("\n")
    shown = f"{summary}{newline}{older_help(text, width=79)}"
    golden("help-in-gdb", name, shown.removesuffix("\n"))


def test_no_help_of_what_is_none(golden: Golden) -> None:
    golden.only("help-in-gdb", NAMES)


def test_a_command_shows_its_usage() -> None:
    assert "usage: klp disarm [-h] [--function NAME]" in gdb_run("klp disarm --help").out
