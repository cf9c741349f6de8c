# SPDX-License-Identifier: GPL-2.0-or-later
"""The target of GDB, opened when a command first needs it, and read anew after it ran."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gdb
from drgn import Program

from klp_debug.frontend.completion.target_names import TargetNames
from klp_debug.frontend.tell import tell
from klp_debug.targets.gdb_host.connection import HostConnection
from klp_debug.targets.gdb_host.opening import open_host_target
from klp_debug.targets.host_program import remember_target
from klp_debug.targets.target import Target
from klp_debug.targets.unrecoverable import tell_unrecoverable

_CHANGES = ("cont", "inferior_call", "memory_changed")
"""Its memory may not be what it was."""
_ENDS = ("exited", "new_objfile", "clear_objfiles")
"""It is no more, or its symbols are others."""


class Host:
    """Keeps the target as long as GDB looks at the same, and what was read while it is stopped."""

    def __init__(self, symbols: Callable[[], tuple[Path, ...]]) -> None:
        """
        Begin with none; from now on GDB tells when its target runs or is written to.

        :param symbols: returns files and folders besides what GDB has loaded
        """
        self._symbols = symbols
        self._kept: tuple[object, Target, TargetNames] | None = None
        self._looked = False
        """Whether it was seen if the target can run on, since it ran."""
        for name in _CHANGES:
            getattr(gdb.events, name).connect(self._forget)
        for name in _ENDS:
            getattr(gdb.events, name).connect(self._drop)

    def target(self) -> Target:
        """
        Return the target.

        :raises TargetError: if GDB has none that can be read
        """
        return self._now()[0]

    def program(self) -> Program:
        """
        Return the target's program.

        :raises TargetError: if GDB has none that can be read
        """
        return self.target().prog

    def names(self) -> TargetNames:
        """
        Return the names in the target.

        :raises TargetError: if GDB has none that can be read
        """
        return self._now()[1]

    def _now(self) -> tuple[Target, TargetNames]:
        inferior = gdb.selected_inferior()
        connection = inferior.connection
        symbols = self._symbols()
        key = inferior.num, connection.num if connection else None, symbols
        if self._kept is None or self._kept[0] != key:
            self._kept = None
            target = open_host_target(symbols)
            remember_target(target)
            self._kept = key, target, TargetNames(target)
            self._looked = False
        if not self._looked:
            self._looked = True
            tell_unrecoverable(self._kept[1], tell)
        return self._kept[1:]

    def _forget(self, _: Any) -> None:
        self._looked = False
        if self._kept is not None:
            _, target, names = self._kept
            if isinstance(target.host, HostConnection):
                target.host.forget()
            names.forget()

    def _drop(self, _: Any) -> None:
        self._kept = None
