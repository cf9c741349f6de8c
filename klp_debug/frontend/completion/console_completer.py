# SPDX-License-Identifier: GPL-2.0-or-later
"""Completes what is typed at the console's prompt."""

from collections.abc import Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from klp_debug.frontend.completion.candidates import candidates
from klp_debug.frontend.completion.line_parser import LineParser
from klp_debug.frontend.completion.target_names import TargetNames


class ConsoleCompleter(Completer):
    """Completes the word before the cursor."""

    def __init__(self, parser: LineParser, names: TargetNames) -> None:
        """Know the commands and the target's names."""
        self._parser = parser
        self._names = names

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """
        Yield what the word may become, in alphabetical order.

        As in bash, a space follows the only word that it may become.
        """
        line = document.text_before_cursor
        length = len(line.rpartition(" ")[2])
        found = candidates(self._parser, self._names, line)
        if len(found) == 1 and not document.text_after_cursor.startswith(" "):
            found = [found[0] + self._behind(line, found[0])]
        for candidate in found:
            yield Completion(candidate, start_position=-length)

    def _behind(self, line: str, word: str) -> str:
        """Return what follows a word that is complete: a space, or nothing if more of it may."""
        if word.endswith(":"):  # a module, whose function comes next
            return ""
        if word.startswith("-") and self._parser.takes_value(line.split()[0], word):
            return ""  # its value may be behind a space or a `=`
        return " "
