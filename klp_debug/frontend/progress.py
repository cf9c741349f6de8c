# SPDX-License-Identifier: GPL-2.0-or-later
"""Says on stderr what takes long, if it does and if a person is there to read it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_PATIENCE = 2.0
"""Seconds that a user waits before wondering."""


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show a line with the elapsed time while the block runs, once it takes over two seconds."""
    console = Console(stderr=True)
    # Not on a dumb terminal either: nothing can be taken back there.
    if not console.is_interactive:
        yield
        return
    display = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    display.add_task(what, total=None)
    timer = threading.Timer(_PATIENCE, display.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        display.stop()
