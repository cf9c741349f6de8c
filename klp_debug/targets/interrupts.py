# SPDX-License-Identifier: GPL-2.0-or-later
"""
What ends a command while drgn has a target's memory read: Ctrl-C, a signal, a target that is lost.

drgn takes an exception there for memory that it cannot read, and where it looks at a kernel module
it drops that: the module is passed over, and the command would go on, with the target stopped.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from klp_debug.errors import TargetError

_ENDS = (KeyboardInterrupt, SystemExit, TargetError)
_raised: list[BaseException] = []


def kept(read: Callable[[int, int], bytes]) -> Callable[[int, int, int, bool], bytes]:
    """
    Return what drgn calls to read memory; :func:`none_lost` finds what ends it.

    :param read: returns the bytes at an address, so many of them
    """

    def segment(address: int, count: int, offset: int, physical: bool) -> bytes:
        try:
            return read(address, count)
        except _ENDS as ends:
            _raised.append(ends)
            raise

    return segment


@contextmanager
def none_lost() -> Iterator[None]:
    """
    Raise behind the block what ends a command and drgn has dropped in it.

    :raises KeyboardInterrupt, SystemExit, TargetError: as it was raised in a read
    """
    _raised.clear()
    yield
    if _raised:
        raise _raised[0]
