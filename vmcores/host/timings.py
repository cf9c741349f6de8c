# SPDX-License-Identifier: GPL-2.0-or-later
"""How long each stage took the last time it went through."""

import contextlib
import json
import tempfile
from pathlib import Path

from vmcores.host.cache import cache_root


def _file() -> Path:
    return cache_root() / "timings.json"


def _read() -> dict[str, float]:
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
        return {str(k): float(v) for k, v in json.loads(_file().read_text()).items()}
    return {}


def expected_seconds(title: str, estimate: float) -> float:
    """Return what the stage TITLE took the last time, else ESTIMATE."""
    return _read().get(title, estimate)


def remember(title: str, seconds: float) -> None:
    """Store how long the stage TITLE took. Two runs at once: the last one wins."""
    timings = _read() | {title: round(seconds, 1)}
    _file().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=_file().parent, delete=False) as new:
        json.dump(timings, new, indent=1, sort_keys=True)
    Path(new.name).rename(_file())
