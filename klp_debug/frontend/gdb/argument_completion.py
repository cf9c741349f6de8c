# SPDX-License-Identifier: GPL-2.0-or-later
"""Completes a subcommand's arguments by the names in the target."""

from klp_debug.command import COMMANDS
from klp_debug.errors import TargetError
from klp_debug.frontend.completion.candidates import candidates
from klp_debug.frontend.completion.line_parser import LineParser
from klp_debug.frontend.gdb.host import Host


def completions(host: Host, line: str, word: str) -> list[str]:
    """
    Return what GDB's word, the end of a line behind ``klp``, may become.

    GDB's word may begin within ours: behind a hyphen, a colon or a slash.
    """
    try:
        names = host.names()
    except TargetError:
        return []
    ours = line.rpartition(" ")[2]
    before = len(ours) - len(word)
    return [one[before:] for one in candidates(LineParser(COMMANDS, ()), names, line)]
