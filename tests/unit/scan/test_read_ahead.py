# SPDX-License-Identifier: GPL-2.0-or-later
"""Files are read in their order, one ahead, and no thread is left."""

import contextlib
import threading
from collections.abc import Iterator

import pytest

from klp_debug.errors import TargetError
from klp_debug.scan.read_ahead import read_ahead


def test_all_in_their_order() -> None:
    read = [item for item, _ in read_ahead(range(100), lambda item: b"")]
    assert read == list(range(100))


def test_what_cannot_be_read_is_handed_on() -> None:
    def read(item: str) -> bytes:
        if item == "b":
            raise TargetError("b is damaged")
        return item.encode()

    (a, b, c) = read_ahead("abc", read)
    assert (a, c) == (("a", b"a"), ("c", b"c"))
    assert isinstance(b[1], TargetError)


def test_what_is_wrong_with_the_items_is_raised_here() -> None:
    def items() -> Iterator[str]:
        yield "a"
        raise KeyError("no more")

    reading = read_ahead(items(), str.encode)
    assert next(reading) == ("a", b"a")
    with pytest.raises(KeyError):
        next(reading)


def test_one_that_is_left_early_ends_its_thread() -> None:
    before = threading.active_count()
    read: list[int] = []

    def note(item: int) -> bytes:
        read.append(item)
        return b""

    with contextlib.closing(read_ahead(range(1000), note)) as reading:
        next(reading)
    assert threading.active_count() == before
    assert len(read) < 10
