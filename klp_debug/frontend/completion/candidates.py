# SPDX-License-Identifier: GPL-2.0-or-later
"""What a word of a line may become: commands, options, and the names of things in the target."""

from collections.abc import Iterable

from klp_debug.analysis.view.find_function import kernel_name
from klp_debug.errors import CommandError
from klp_debug.frontend.completion.line_parser import LineParser
from klp_debug.frontend.completion.target_names import TargetNames

_TASKS = ("all", "crashed")


def candidates(parser: LineParser, names: TargetNames, line: str) -> list[str]:
    """Return what the word that a line ends in may become, in alphabetical order."""
    *before, word = line.split(" ")
    try:
        found = _candidates(parser, names, [one for one in before if one], word)
    except CommandError:  # no such command: there is nothing to say of its arguments
        return []
    # The kernel's names of modules have no dash: what is typed with one becomes such a name.
    return sorted({one for one in found if one.startswith(word) or _alike(one, word)})


def _alike(name: str, word: str) -> bool:
    """Return whether a name begins with a word, but for dashes in a module's name."""
    module, colon, function = word.partition(":")
    return not word.startswith("-") and name.startswith(kernel_name(module) + colon + function)


def _candidates(
    parser: LineParser, names: TargetNames, before: list[str], word: str
) -> Iterable[str]:
    if not before:
        return parser.names
    command, *rest = before
    if word.startswith("-"):
        return parser.options(command)
    what, choices = parser.value_of(command, rest)
    match what:
        case "patch":
            return names.patches
        case "function" if rest and rest[-1] == "--function":
            return names.functions_of(kernel_name(rest[0]))
        case "function" | "site":
            return _functions(names, word)
        case "task":
            return [*_TASKS, *names.tasks]
        case "command":
            return parser.names
    return choices


def _functions(names: TargetNames, word: str) -> Iterable[str]:
    """Return functions by name, or of one object as ``MODULE:NAME``."""
    module, colon, _ = word.partition(":")
    module = kernel_name(module)
    if colon:
        return [f"{module}:{name}" for name in names.functions.get(module, [])]
    return [
        *(f"{name}:" for name in names.functions),
        *(name for of_module in names.functions.values() for name in of_module),
    ]
