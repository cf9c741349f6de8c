# SPDX-License-Identifier: GPL-2.0-or-later
"""
Takes the captures of many scenarios: two guests at a time, beside the kernels' builds.

A capture is a process of its own, so that it ends with its guest however it ends. While a kernel is
compiled only one runs: the compiler has what it leaves, and links leave a core idle.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from vmcores.build.guest_modules import build_saved_modules
from vmcores.build.image import image
from vmcores.errors import LabError
from vmcores.host.stage import stage, tell
from vmcores.scenarios.capture import is_captured
from vmcores.scenarios.scenario import load_scenario

Case = tuple[str, str, str]
"""Scenario, kernel, MMU."""
AT_ONCE = 2
_SECONDS = 15
"""What a capture takes, with another beside it."""


def take_all(cases: Sequence[Case]) -> None:
    """
    Have all captures of CASES in the cache, and the kernels that they need.

    Raises LabError after the last, with what failed; StepFailedError at once for a kernel.
    """
    kernels = list(dict.fromkeys(kernel for _, kernel, _ in cases))
    failed: list[str] = []
    with _Guests() as guests:
        waiting: list[tuple[Case, Future[str | None]]] = []
        for kernel in kernels:
            booted = image(kernel)
            build_saved_modules(booted.kernel)
            waiting += [
                (case, guests.submit(case))
                for case in cases
                if case[1] == kernel
                if not is_captured(load_scenario(case[0]), *case[1:])
            ]
        guests.all_built()
        if waiting:
            with stage(f"{len(waiting)} captures", len(waiting) * _SECONDS / AT_ONCE):
                for case, taken in waiting:
                    if (reason := taken.result()) is not None:
                        failed.append(f"{' '.join(case)}: {reason}")
    if failed:
        raise LabError("\n".join([f"{len(failed)} captures failed", *failed]))


class _Guests:
    """The processes that take captures; ends with the `with` block, and they with it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._slots = threading.Semaphore(1)
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._ending = False

    def __enter__(self) -> "_Guests":
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._ending = True
            for process in self._running:
                process.terminate()
        self._pool.shutdown(cancel_futures=True)

    def submit(self, case: Case) -> "Future[str | None]":
        """Take a capture when there is room; the result is why it failed, or None."""
        return self._pool.submit(self._take, case)

    def all_built(self) -> None:
        """Let as many run as there may be."""
        self._slots.release(AT_ONCE - 1)

    def _take(self, case: Case) -> str | None:
        name, kernel, mmu = case
        words = ["capture", name, "--kernel", kernel, "--mmu", mmu]
        with self._slots, self._process([sys.executable, "-m", "vmcores", *words]) as process:
            if process is None:
                return "not tried"
            _, errors = process.communicate()
            if process.returncode == 0:
                tell(next(line for line in reversed(errors.splitlines()) if ": " in line))
                return None
            return errors.strip().rpartition("vmcores: ")[2] or f"status {process.returncode}"

    @contextmanager
    def _process(self, argv: list[str]) -> Iterator["subprocess.Popen[str] | None"]:
        with self._lock:
            process = None
            if not self._ending:
                process = subprocess.Popen(
                    argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
                )
                self._running.add(process)
        try:
            yield process
        finally:
            if process is not None:
                process.wait()
                with self._lock:
                    self._running.discard(process)
