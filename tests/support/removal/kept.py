# SPDX-License-Identifier: GPL-2.0-or-later
"""The capture of a case, which stays open for the next: those of one capture follow each other."""

import functools
from pathlib import Path

from tests.support.removal.capture import RemovalCapture
from vmcores.scenarios.capture import CaptureSet


def capture_of(taken: CaptureSet) -> RemovalCapture:
    """Return the first capture of a scenario, opened."""
    return _opened(taken.path(taken.scenario.captures[0]), taken.image.vmlinux)


@functools.lru_cache(maxsize=1)
def _opened(core: Path, vmlinux: Path) -> RemovalCapture:
    return RemovalCapture(core, vmlinux)
