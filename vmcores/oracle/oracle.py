# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's own word about its patches, for tests to compare with."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class PatchedObject:
    """A folder of /sys/kernel/livepatch/PATCH: 'vmlinux' or a module."""

    name: str
    patched: bool | None
    """None where this kernel has no such file (before 6.1)."""
    functions: tuple[str, ...]
    """The folders in it: 'name,sympos'."""


@dataclass(frozen=True)
class Patch:
    """A folder of /sys/kernel/livepatch."""

    name: str
    enabled: bool
    transition: bool
    objects: tuple[PatchedObject, ...]

    def functions(self) -> set[tuple[str, str]]:
        """Return (object, function) of all its functions."""
        return {(o.name, f.rsplit(",", 1)[0]) for o in self.objects for f in o.functions}


@dataclass(frozen=True)
class EnabledFunction:
    """A line of tracing/enabled_functions."""

    name: str
    module: str | None
    count: int
    """How many ftrace_ops have it."""
    flags: str
    """The letters the kernel shows, such as 'R' and 'I', without spaces."""


@dataclass(frozen=True)
class Symbol:
    """A line of /proc/kallsyms."""

    address: int
    type: str
    name: str
    module: str | None


@dataclass(frozen=True)
class Module:
    """A line of /proc/modules."""

    name: str
    size: int
    address: int
    taints: str


@dataclass(frozen=True)
class Task:
    """A task of /proc, with what its folder there says of it."""

    pid: int
    comm: str
    """Of a kworker, it goes on with the name of its work queue."""
    state: str
    """The letter: R runs or could, S and D sleep."""
    patch_state: int | None
    """0: unpatched, 1: patched, -1: in no transition; None where livepatch is not built in."""
    stack: tuple[str, ...]
    """Function names, innermost first; a name the kernel shows with its module keeps it."""


@dataclass(frozen=True)
class Oracle:
    """All of it, at one moment."""

    release: str
    build_id: str
    mmu: str
    """'radix' or 'hash'."""
    page_size: int
    patches: tuple[Patch, ...]
    enabled_functions: tuple[EnabledFunction, ...]
    modules: tuple[Module, ...]
    tasks: tuple[Task, ...]
    leaf_probe: str
    """What /proc/leaf_probe printed; empty if it is not there."""
    cmdline: str
    """What /proc/cmdline printed: the patches of cmdline_proc_show write there."""
    log: tuple[str, ...]
    """What the livepatch core logged, without time stamps."""
    kallsyms: tuple[Symbol, ...]

    def patch(self, name: str) -> Patch:
        """Return the patch NAME. Raises KeyError."""
        for patch in self.patches:
            if patch.name == name:
                return patch
        raise KeyError(name)

    @property
    def transition_tasks(self) -> tuple[Task, ...]:
        """The tasks whose ``patch_state`` is 0 or 1."""
        return tuple(task for task in self.tasks if task.patch_state in {0, 1})

    def address(self, name: str, module: str | None = None) -> int:
        """Return the address of the symbol NAME. Raises KeyError, also when it is not unique."""
        found = [s.address for s in self.kallsyms if (s.name, s.module) == (name, module)]
        if len(found) != 1:
            raise KeyError(f"{name} [{module or 'vmlinux'}]: {len(found)} symbols")
        return found[0]

    def save(self, path: Path) -> None:
        """Write it to PATH as JSON."""
        path.write_text(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what save() wrote to PATH."""
        data: dict[str, Any] = json.loads(path.read_text())
        return cls(
            **data
            | {
                "patches": tuple(_patch(p) for p in data["patches"]),
                "enabled_functions": tuple(EnabledFunction(**f) for f in data["enabled_functions"]),
                "modules": tuple(Module(**m) for m in data["modules"]),
                "tasks": tuple(Task(**t | {"stack": tuple(t["stack"])}) for t in data["tasks"]),
                "log": tuple(data["log"]),
                "kallsyms": tuple(Symbol(**s) for s in data["kallsyms"]),
            }
        )


def _patch(data: dict[str, Any]) -> Patch:
    objects = tuple(
        PatchedObject(**o | {"functions": tuple(o["functions"])}) for o in data["objects"]
    )
    return Patch(**data | {"objects": objects})
