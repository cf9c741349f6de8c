# SPDX-License-Identifier: GPL-2.0-or-later
"""Stages of a long job: a progress bar on a terminal, plain lines elsewhere, a log each."""

import contextlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.progress_bar import ProgressBar

from vmcores.errors import StepFailedError
from vmcores.host.cache import log_path
from vmcores.host.process_group import run_group
from vmcores.host.timings import expected_seconds, remember

# Progress is told on stderr: the stdout of a lab command is its result.
_console = Console(stderr=True, highlight=False, markup=False)


class _ElapsedBar(ProgressColumn):
    """A bar that fills with the time passed, since the tools we run tell no percentage."""

    def render(self, task: Task) -> ProgressBar:
        if not task.total:
            return ProgressBar(total=None, width=30, pulse=True)
        # It never reads 100 % before the stage is over.
        done = task.total if task.finished else min(task.elapsed or 0, task.total * 0.98)
        return ProgressBar(total=task.total, completed=done, width=30)


@contextlib.contextmanager
def stage(title: str, estimate: float) -> Iterator[None]:
    """
    Show TITLE with elapsed and expected seconds while the block runs.

    The time a block took is what the next run expects; ESTIMATE serves the first run.
    """
    expected = expected_seconds(title, estimate)
    start = time.monotonic()
    if _console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            _ElapsedBar(),
            TimeElapsedColumn(),
            TextColumn(f"of about {expected:.0f} s"),
        )
        with Progress(*columns, console=_console) as progress:
            task = progress.add_task(title, total=max(expected, 0.1))
            yield
            progress.update(task, completed=max(expected, 0.1))
    else:
        _console.print(f"{title} ... (about {expected:.0f} s)", soft_wrap=True)
        yield
        _console.print(f"{title}: {time.monotonic() - start:.1f} s", soft_wrap=True)
    remember(title, time.monotonic() - start)


def tell(text: str) -> None:
    """Print a line of progress."""
    _console.print(text, soft_wrap=True)


def run_stage(
    title: str,
    argv: Sequence[str | Path],
    estimate: float,
    *,
    cwd: Path | None = None,
) -> None:
    """
    Run ARGV as the stage TITLE, its output into the stage's log.

    Raises StepFailedError, which names the log. An error or signal that ends us ends ARGV too.
    """
    log = log_path(title)
    with log.open("w") as out, stage(title, estimate):
        out.write(f"$ {subprocess.list2cmdline([str(a) for a in argv])}\n")
        out.flush()
        try:
            status = run_group(argv, out, cwd)
        except OSError as error:
            out.write(f"{error}\n")
            raise StepFailedError(title, 127, log) from error
        if status:
            raise StepFailedError(title, status, log)
