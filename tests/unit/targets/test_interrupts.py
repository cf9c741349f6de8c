# SPDX-License-Identifier: GPL-2.0-or-later
"""What drgn drops of an interrupt in its read of memory comes again."""

from contextlib import suppress

import pytest
from drgn import Architecture, Platform, Program

from klp_debug.errors import TargetError
from klp_debug.targets.interrupts import kept, none_lost


def memory(error: BaseException) -> Program:
    """Return a program each read of whose memory raises."""

    def read(address: int, count: int) -> bytes:
        raise error

    prog = Program(Platform(Architecture.PPC64))
    prog.add_memory_segment(0, 0x1000, kept(read), True)
    return prog


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(143), TargetError("it is gone")], ids=repr
)
def test_an_interrupt_that_was_dropped_is_raised(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, none_lost(), suppress(BaseException):
        memory(error).read(0, 8, True)
    assert caught.value is error


def test_one_that_was_not_dropped_is_raised_once() -> None:
    with pytest.raises(KeyboardInterrupt), none_lost():
        memory(KeyboardInterrupt()).read(0, 8, True)
    with none_lost():
        pass


def test_other_errors_are_for_the_reader() -> None:
    with none_lost(), suppress(ValueError):
        memory(ValueError()).read(0, 8, True)


def test_memory_is_read() -> None:
    prog = Program(Platform(Architecture.PPC64))
    prog.add_memory_segment(0x100, 0x1000, kept(lambda address, count: bytes(count)), True)
    assert prog.read(0x100, 4, True) == bytes(4)
