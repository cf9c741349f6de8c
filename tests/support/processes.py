# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether processes that a test knows by their id have ended."""

import time
from pathlib import Path


def alive(pid: int) -> bool:
    try:
        # A zombie has ended; its parent has just not asked yet.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def ends(pid: int, seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(pid)
