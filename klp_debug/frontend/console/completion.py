# SPDX-License-Identifier: GPL-2.0-or-later
"""Completes commands, options, and the names of things in the target."""

from collections.abc import Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from klp_debug.command.command import CommandError
from klp_debug.frontend.console.lines import Lines
from klp_debug.frontend.console.names import Names

_TASKS = ("all", "crashed")


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
        *before, word = [*document.text_before_cursor.split(" ")]
        before = [one for one in before if one]
        try:
            candidates = self._candidates(before, word)
        except CommandError:  # no such command: there is nothing to say of its arguments
            return
        for candidate in sorted({one for one in candidates if one.startswith(word)}):
            yield Completion(candidate, start_position=-len(word))

    def _candidates(self, before: list[str], word: str) -> Iterable[str]:
        if not before:
            return self._lines.names
        command, *rest = before
        if word.startswith("-"):
            return self._lines.options(command)
        what, choices = self._lines.value_of(command, rest)
        match what:
            case "patch":
                return self._names.patches
            case "function" if rest and rest[-1] == "--function":
                return self._names.functions_of(next(iter(rest)))
            case "function" | "site":
                return self._functions(word)
            case "task":
                return [*_TASKS, *self._names.tasks]
            case "command":
                return self._lines.names
        return choices

    def _functions(self, word: str) -> Iterable[str]:
        """Return functions by name, or of one object as ``MODULE:NAME``."""
        functions = self._names.functions
        module, colon, _ = word.partition(":")
        if colon:
            return [f"{module}:{name}" for name in functions.get(module, [])]
        return [
            *(f"{name}:" for name in functions),
            *(name for names in functions.values() for name in names),
        ]
