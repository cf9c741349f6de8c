# SPDX-License-Identifier: GPL-2.0-or-later
"""What a test is sure of: on a whole kernel, everything can be read."""

from collections.abc import Iterable
from typing import TypeVar

from klp_debug.result.unknown import Number, Unknown

T = TypeVar("T")


def sure(value: T | Unknown | None) -> T:
    """Return a value that is there and was read; fail if it is not."""
    assert value is not None
    assert not isinstance(value, Unknown), value.reason
    return value


def whole(items: Iterable[T | Unknown]) -> tuple[T, ...]:
    """Return the items of a list; fail if one of them could not be read."""
    return tuple(sure(item) for item in items)


def unread(value: object) -> Unknown:
    """Return what could not be read; fail if it was read, or if there is none."""
    assert isinstance(value, Unknown), value
    return value


def number(counted: Number) -> int:
    """Return a number of things that were all seen; fail if others may be."""
    assert isinstance(counted, int), counted
    return counted
