# SPDX-License-Identifier: GPL-2.0-or-later
"""The names that the target has for things, for completion and for the status line."""

from klp_debug.analysis.patches.list import livepatches
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.problem_log import UNREADABLE
from klp_debug.errors import TargetError
from klp_debug.kernel.task import for_each_task, task_comm
from klp_debug.result.list import Patch
from klp_debug.result.unknown import known
from klp_debug.targets.target import Target


class TargetNames:
    """Names read when they are first asked for; those of a target that cannot be read stay."""

    def __init__(self, target: Target) -> None:
        """Begin with none."""
        self._target = target
        self._patches: tuple[Patch, ...] | None = None
        self._functions: dict[str, list[str]] | None = None
        self._known_patches: tuple[Patch, ...] = ()
        self._known_functions: dict[str, list[str]] = {}

    def forget(self) -> None:
        """Read again what is asked for next: the target may have changed."""
        self._patches = self._functions = None

    def look(self) -> None:
        """Read again which patches there are, now, for :attr:`held`."""
        self._patches = None
        self._read_patches()

    @property
    def patches(self) -> list[str]:
        """The names of the live patches."""
        return [patch.name for patch in self._read_patches()]

    @property
    def held(self) -> list[str]:
        """The patches that a debugger held disarmed when the target was last looked at."""
        return [patch.name for patch in self._known_patches if patch.disarmed is True]

    def functions_of(self, patch: str) -> list[str]:
        """Return the functions that a patch replaces."""
        return [
            function.old_name
            for one in self._read_patches()
            if one.name == patch
            for klp_object in known(one.objects)
            for function in known(klp_object.functions)
        ]

    @property
    def functions(self) -> dict[str, list[str]]:
        """``vmlinux`` or a module -> the names of its functions."""
        if self._functions is None:
            self._functions = self._known_functions
            try:
                self._functions = KernelView(self._target).symbols.function_names()
            except (*UNREADABLE, TargetError):
                pass
            self._known_functions = self._functions
        return self._functions

    @property
    def tasks(self) -> list[str]:
        """The names of the tasks."""
        names = set()
        try:
            for task in for_each_task(self._target.prog):
                names.add(task_comm(task))
        except (*UNREADABLE, TargetError):
            pass
        return sorted(names)

    def _read_patches(self) -> tuple[Patch, ...]:
        if self._patches is None:
            self._patches = self._known_patches
            try:
                view = KernelView(self._target)
                if view.has_livepatch:
                    self._patches = known(livepatches(view))
            except (*UNREADABLE, TargetError):
                pass
            self._known_patches = self._patches
        return self._patches
