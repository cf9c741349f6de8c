# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a command as a group of processes that an error or signal which ends us ends, too."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TextIO

STOP_SECONDS = 10
"""How long what we end may take to tidy up."""


def run_group(argv: Sequence[str | Path], output: TextIO, cwd: Path | None = None) -> int:
    """Run ARGV, all it says into OUTPUT; return its status. Raises OSError if it cannot start."""
    process: subprocess.Popen[bytes] | None = None
    try:
        with _signals_wait():
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return process.wait()
    except BaseException:
        if process is not None:
            _end(process)
        raise


@contextlib.contextmanager
def _signals_wait() -> Iterator[None]:
    """
    Handle signals that end us behind the block.

    An exception of theirs in the middle of Popen() would lose the process that was just started.
    """
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    # Other threads get no signals.
    main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if main else ()
    handlers = {number: signal.signal(number, note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for missed in came:
            signal.raise_signal(missed)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End PROCESS and all of its group: ask first, then kill what is left."""
    try:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    finally:
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
