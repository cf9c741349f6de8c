# SPDX-License-Identifier: GPL-2.0-or-later
"""Completes what is typed at the console's prompt."""

from collections.abc import Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from klp_debug.frontend.completion.candidates import candidates
from klp_debug.frontend.completion.lines import Lines
from klp_debug.frontend.completion.names import Names


class ConsoleCompleter(Completer):
    """Completes the word before the cursor."""

    def __init__(self, lines: Lines, names: Names) -> None:
        """Know the commands and the target's names."""
        self._lines = lines
        self._names = names

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Yield what the word may become, in alphabetical order."""
        line = document.text_before_cursor
        length = len(line.rpartition(" ")[2])
        for candidate in candidates(self._lines, self._names, line):
            yield Completion(candidate, start_position=-length)
