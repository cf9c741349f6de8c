# SPDX-License-Identifier: GPL-2.0-or-later
"""``help klp``: all commands, and all of a command."""

from klp_debug.command import COMMANDS
from tests.support.gdb_process import gdb_run


def test_help_lists_each_command_and_shows_its_options() -> None:
    out = gdb_run("help klp").out
    for command in COMMANDS:
        summary = f"{command.summary[0].upper()}{command.summary[1:]}."
        assert f"klp {command.name} -- {summary}\n" in out
    helped = gdb_run("help klp disarm").out
    assert helped.startswith("Let a patch's functions run as if it were not there.\n")
    assert "\nUsage: klp disarm [--function NAME]" in helped
    assert "usage: klp disarm [-h] [--function NAME]" in gdb_run("klp disarm --help").out


def test_help_of_a_command() -> None:
    assert (
        gdb_run("help klp func").out
        == """\
Show one function: entry, mcount site, call chain, and what really runs.
Usage: klp func [--json] NAME|ADDRESS

Shows one function top to bottom: its entry points and TOC set-up, its mcount
site and the word there now, its ftrace record, and each hop from the site to
what a call really runs, every hop checked against the next.

positional arguments:
  NAME|ADDRESS  a function's name (MODULE:NAME or NAME@N where it is
                ambiguous), or an address in it, in hexadecimal

options:
  --json        print a JSON document
"""
    )
