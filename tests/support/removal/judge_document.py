# SPDX-License-Identifier: GPL-2.0-or-later
"""
Judges a JSON document.

What is unknown is ``{"unknown": REASON}``, a count of an incomplete walk ``{"at_least": N,
"unknown": REASON}``, and a list is incomplete if an element of it is unknown. The list ``problems``
says what could not be read, so whatever it holds is true.
"""

import json
from collections.abc import Iterator
from typing import Any

from tests.support.removal.false_statement import FalseStatement
from tests.support.removal.words import says_unknown


def false_in_document(before: Any, after: Any) -> list[FalseStatement]:
    """
    Return what a document states that was not read.

    :param before: the document of the same answer when all could be read
    """
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [] if before == after else [_false("", before, after)]
    return list(_compare_objects("", before, after))


def unknown_in_document(value: Any) -> bool:
    """Return whether a document says anywhere that something could not be read."""
    if isinstance(value, dict):
        if "unknown" in value or value.get("problems"):
            return True
        return any(unknown_in_document(one) for one in value.values())
    if isinstance(value, list):
        return any(unknown_in_document(one) for one in value)
    return isinstance(value, str) and says_unknown(value)


def _compare(path: str, before: Any, after: Any) -> Iterator[FalseStatement]:
    if _is_unknown(after):
        return
    if _is_at_least(after):
        most = before["at_least"] if _is_at_least(before) else before
        if type(most) is not int or not 0 <= after["at_least"] <= most:
            yield _false(path, before, after)
        return
    # A dump with less in it must not tell more than the whole one.
    if _is_unknown(before) or _is_at_least(before):
        if before != after:
            yield _false(path, before, after)
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from _compare_objects(path, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _compare_lists(path, before, after)
    elif isinstance(before, str) and isinstance(after, str):
        if before != after and not says_unknown(after):
            yield _false(path, before, after)
    elif type(before) is not type(after) or before != after:
        yield _false(path, before, after)


def _compare_objects(
    path: str, before: dict[str, Any], after: dict[str, Any]
) -> Iterator[FalseStatement]:
    for key in before:
        place = f"{path}.{key}" if path else key
        if key not in after:
            yield FalseStatement("json", place, _shown(before[key]), "(no such key)")
        elif key == "problems":
            if not isinstance(after[key], list):
                yield _false(place, before[key], after[key])
        else:
            yield from _compare(place, before[key], after[key])
    for key in after:
        if key not in before:
            place = f"{path}.{key}" if path else key
            yield FalseStatement("json", place, "(no such key)", _shown(after[key]))


def _compare_lists(path: str, before: list[Any], after: list[Any]) -> Iterator[FalseStatement]:
    incomplete = any(_says_incomplete(one, before) for one in after)
    if not incomplete:
        if len(before) == len(after):
            for index, (old, new) in enumerate(zip(before, after, strict=True)):
                yield from _compare(f"{path}[{index}]", old, new)
        else:
            yield FalseStatement(
                "json", f"{path}[]", f"{len(before)}: {_shown(before)}", _said_of(before, after)
            )
        return
    # The earliest that fits leaves the most for those behind.
    left = 0
    for index, new in enumerate(after):
        if _says_incomplete(new, before):
            continue
        fits = (at for at in range(left, len(before)) if not any(_compare("", before[at], new)))
        found = next(fits, None)
        if found is None:
            yield from _nearest(f"{path}[{index}]", before[left:], new)
        else:
            left = found + 1


def _nearest(path: str, before: list[Any], new: Any) -> Iterator[FalseStatement]:
    """Compare an element that is like none with the one that it is most like."""
    compared = (list(_compare(path, old, new)) for old in before)
    nearest = min(compared, key=len, default=None)
    if nearest is None or not isinstance(new, dict):
        yield FalseStatement("json", path, "", _shown(new))
    else:
        yield from nearest


def _says_incomplete(element: Any, before: list[Any]) -> bool:
    """Return whether an element of a list says that others are missing; sentences may, too."""
    if isinstance(element, str):
        return says_unknown(element) and element not in before
    return _is_unknown(element) and element not in before


def _said_of(before: list[Any], after: list[Any]) -> str:
    """Show a list that is too long or too short: what it has more, if anything."""
    more = [one for one in after if one not in before]
    return f"{len(after)}: {_shown(more)}" if more else f"{len(after)}, and none is unknown"


def _is_unknown(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"unknown"} and _reason(value)


def _is_at_least(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"at_least", "unknown"}
        and type(value["at_least"]) is int
        and _reason(value)
    )


def _reason(value: dict[str, Any]) -> bool:
    return isinstance(value["unknown"], str) and value["unknown"].strip() != ""


def _false(path: str, before: Any, after: Any) -> FalseStatement:
    return FalseStatement("json", path, _shown(before), _shown(after))


def _shown(value: Any) -> str:
    return json.dumps(value)
