# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the next file while one is being scanned: unpacking one takes as long as scanning it."""

import contextlib
import signal
import threading
from collections.abc import Callable, Generator, Iterable
from queue import Empty, Queue
from typing import TypeVar

from klp_debug.errors import TargetError

Item = TypeVar("Item")


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], bytes]
) -> Generator[tuple[Item, bytes | TargetError]]:
    """
    Yield each item with its content, or with why it could not be read.

    One is read ahead and one waits, so that three files are in memory at most. The thread ends
    when the iterator is closed.

    >>> list(read_ahead(["a", "b"], str.encode))
    [('a', b'a'), ('b', b'b')]
    """
    done: Queue[tuple[Item, bytes | TargetError] | BaseException | None] = Queue(maxsize=1)
    wanted = threading.Event()
    wanted.set()

    def work() -> None:
        try:
            for item in items:
                done.put((item, _content(item, read)))
                if not wanted.is_set():
                    return
            done.put(None)
        except BaseException as error:  # of the items themselves; raised where they are asked for
            done.put(error)

    thread = threading.Thread(target=work, daemon=True)
    # GDB wants signals in its own thread.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        while (one := done.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        wanted.clear()
        # One that waits for room goes on when there is some.
        while thread.is_alive():
            with contextlib.suppress(Empty):
                done.get_nowait()
            thread.join(0.01)


def _content(item: Item, read: Callable[[Item], bytes]) -> bytes | TargetError:
    try:
        return read(item)
    except TargetError as error:
        return error
