# SPDX-License-Identifier: GPL-2.0-or-later
"""Completes a subcommand's arguments by the names in the target."""

from klp_debug.frontend.gdb.host import Host
from klp_debug.target.errors import TargetError


def completions(host: Host, line: str, word: str) -> list[str]:
    """
    Return what GDB's word, the end of a line behind ``klp``, may become.

    GDB's word may begin within ours: behind a hyphen, a colon or a slash.
    """
    # Only who completes needs it.
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from klp_debug.command import COMMANDS
    from klp_debug.frontend.console.completion import ConsoleCompleter
    from klp_debug.frontend.console.lines import Lines

    try:
        names = host.names()
    except TargetError:
        return []
    completer = ConsoleCompleter(Lines(COMMANDS, ()), names)
    ours = line.rpartition(" ")[2]
    before = len(ours) - len(word)
    found = completer.get_completions(Document(line), CompleteEvent())
    return [completion.text[before:] for completion in found]
