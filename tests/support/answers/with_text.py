# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers with other text in them: what a hostile or damaged target could make of them."""

import dataclasses
import typing
from collections.abc import Container
from typing import Any

HOSTILE = "\x1b[2J[red]<b>\u202e\n"
"""Steers a terminal, is markup of rich's and of HTML, turns text around, and ends the line."""
LONG = "a_function_whose_name_is_as_long_as_those_that_a_compiler_makes.constprop.0.isra.0"
_OURS = frozenset({"kernel", "id", "meaning", "action", "unblocks", "boot"})
"""Fields that hold klp-debug's own words, whatever the target is."""


def with_names(answer: Any, name: str) -> Any:
    """Return an answer with every string replaced that a target can have a say in."""
    return with_text(answer, name, but=_OURS)


def with_text(
    value: Any, text: str, annotation: Any = None, *, but: Container[str] = frozenset()
) -> Any:
    """
    Return a result with every string of it replaced, but for those of a few known words.

    :param but: the names of fields that are left as they are
    """
    if isinstance(value, str):
        return text if annotation is None or _holds_any_string(annotation) else value
    if isinstance(value, tuple):
        return tuple(with_text(item, text, annotation, but=but) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = typing.get_type_hints(type(value))
        changed = {
            field.name: with_text(getattr(value, field.name), text, hints[field.name], but=but)
            for field in dataclasses.fields(value)
            if field.name not in but
        }
        return dataclasses.replace(value, **changed)
    return value


def _holds_any_string(annotation: Any) -> bool:
    return annotation is str or any(_holds_any_string(a) for a in typing.get_args(annotation))
