# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a result that misses something of a target states nothing that the whole one does not."""

import dataclasses
from collections.abc import Iterator

from klp_debug.result.unknown import AtLeast, Unknown, lowest

_WORDS = ("unknown", "cannot be told", "incomplete", "at least")


def false_statements(whole: object, partial: object, where: str = "") -> Iterator[str]:
    """
    Iterate over what a result says that the result of the whole target does not.

    Of a number it may say that it is at least so much, of anything that it is unknown; a list that
    has something unknown in it may miss others. Problems may be any.
    """
    if isinstance(partial, Unknown) or (isinstance(partial, str) and _says_so(partial)):
        return
    if isinstance(partial, AtLeast) and isinstance(whole, (int, AtLeast)):
        if partial.number > lowest(whole):
            yield f"{where}: {partial}, not {whole}"
    elif isinstance(whole, tuple) and isinstance(partial, tuple):
        yield from _of_lists(whole, partial, where)
    elif dataclasses.is_dataclass(whole) and type(whole) is type(partial):
        for field in dataclasses.fields(whole):
            if field.name != "problems":
                name, values = field.name, (whole, partial)
                before, after = (getattr(value, name) for value in values)
                yield from false_statements(before, after, f"{where}.{name}")
    elif whole != partial:
        yield f"{where}: {partial!r}, not {whole!r}"


def _says_so(text: str) -> bool:
    return any(word in text for word in _WORDS)


def _of_lists(whole: tuple[object, ...], partial: tuple[object, ...], where: str) -> Iterator[str]:
    rest = [item for item in whole if not isinstance(item, Unknown)]
    for item in partial:
        if isinstance(item, Unknown):
            continue
        fitting = (n for n, other in enumerate(rest) if not any(false_statements(other, item)))
        found = next(fitting, None)
        if found is None:
            yield f"{where}: {item!r} is in no such place"
            return
        # Those that were passed over must be missing.
        if found and not any(isinstance(other, Unknown) for other in partial):
            yield f"{where}: lacks {rest[0]!r}, and does not say so"
        rest = rest[found + 1 :]
    if rest and not any(isinstance(item, Unknown) for item in partial):
        yield f"{where}: lacks {rest[0]!r}, and does not say so"
