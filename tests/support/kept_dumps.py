# SPDX-License-Identifier: GPL-2.0-or-later
"""
Dumps that stay open from one command to the next, as in the console.

Two thirds of a command on a dump are its opening. Tests of one capture follow each other.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from klp_debug.targets.target import Target

_MOST = 3
"""As many are kept: each has the debug info of a kernel, 100 MiB and more."""


@dataclass(frozen=True)
class _Kept:
    target: Target
    told: tuple[str, ...]
    """What opening it said to the user."""


def _identity(path: Path) -> tuple[int, ...]:
    """Return what changes when a file does: a test may write another dump to the same path."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


class KeptDumps:
    """The dumps that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, _Kept] = OrderedDict()

    def open_target(self, options: TargetOptions, tell: Callable[[str], None]) -> Target:
        """As :func:`klp_debug.targets.opening.open_target`; a dump is opened once."""
        if options.core is None or not options.core.is_file():
            return open_target(options, tell)
        key = options, _identity(options.core)
        if key not in self._kept:
            told: list[str] = []
            self._kept[key] = _Kept(open_target(options, told.append), tuple(told))
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        kept = self._kept[key]
        for sentence in kept.told:
            tell(sentence)
        # What a command notes on its target is for that command alone.
        return replace(kept.target, problems=[*kept.target.problems])


KEPT = KeptDumps()
