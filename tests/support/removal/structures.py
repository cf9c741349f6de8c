# SPDX-License-Identifier: GPL-2.0-or-later
"""The structures of a dump that answers are about: where each lies."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drgn import Object, Program, sizeof

from klp_debug.kernel.ftrace import read_ftrace_records
from klp_debug.kernel.ftrace_ops import for_each_ftrace_ops
from klp_debug.kernel.livepatch import (
    for_each_klp_func,
    for_each_klp_object,
    for_each_klp_ops,
    for_each_klp_patch,
)
from klp_debug.kernel.module import for_each_module
from klp_debug.kernel.task import for_each_task
from klp_debug.targets.translation import KernelTranslation, read_physical

_RECORDS = 24
"""Ftrace records that are taken, spread over all: each is a page of them to whoever reads it."""


@dataclass(frozen=True, slots=True)
class Structure:
    """One structure."""

    kind: str
    """Its type without ``struct``."""
    address: int
    """Virtual."""
    physical: tuple[range, ...]
    """Its bytes: one range, or more where it reaches over pages of vmalloc memory."""

    def __str__(self) -> str:
        return f"{self.kind} {self.address:#x}"


class Translator:
    """Finds the physical memory of kernel addresses of a dump that has all of its pages."""

    def __init__(self, prog: Program, page_size: int) -> None:
        self._kernel = KernelTranslation.of(
            prog, page_size, lambda address, size: read_physical(prog, address, size)
        )

    def physical(self, address: int, size: int) -> tuple[range, ...]:
        """
        Return where bytes at a virtual address lie.

        :raises drgn.FaultError: if one of them is not mapped
        """
        ranges: list[range] = []
        while size > 0:
            start, left = self._kernel.translate(address)
            count = min(size, left)
            ranges.append(range(start, start + count))
            address += count
            size -= count
        return tuple(ranges)


def structures_of(prog: Program, page_size: int) -> list[Structure]:
    """Return the structures of a dump that has all of its pages, each once, by kind."""
    translator = Translator(prog, page_size)
    found: dict[tuple[str, int], Structure] = {}
    for kind, find in _FINDERS.items():
        for address, size in find(prog):
            physical = translator.physical(address, size)
            found[kind, address] = Structure(kind, address, physical)
    return list(found.values())


def _patches(prog: Program) -> Iterator[tuple[int, int]]:
    yield from (_place(patch) for patch in for_each_klp_patch(prog))


def _objects(prog: Program) -> Iterator[tuple[int, int]]:
    for patch in for_each_klp_patch(prog):
        yield from (_place(obj) for obj in for_each_klp_object(patch))


def _funcs(prog: Program) -> Iterator[tuple[int, int]]:
    for patch in for_each_klp_patch(prog):
        for obj in for_each_klp_object(patch):
            yield from (_place(func) for func in for_each_klp_func(obj))


def _klp_ops(prog: Program) -> Iterator[tuple[int, int]]:
    yield from (_place(ops) for ops in for_each_klp_ops(prog))


def _ftrace_ops(prog: Program) -> Iterator[tuple[int, int]]:
    yield from (_place(ops) for ops in for_each_ftrace_ops(prog))


def _hashes(prog: Program) -> Iterator[tuple[int, int]]:
    for ops in for_each_ftrace_ops(prog):
        for name in ("filter_hash", "notrace_hash"):
            hash_ = ops.func_hash.member_(name).read_()
            if hash_:
                yield _place(hash_)


def _modules(prog: Program) -> Iterator[tuple[int, int]]:
    yield from (_place(module) for module in for_each_module(prog))


def _tasks(prog: Program) -> Iterator[tuple[int, int]]:
    yield from (_place(task) for task in for_each_task(prog))


def _records(prog: Program) -> Iterator[tuple[int, int]]:
    records = read_ftrace_records(prog)
    size = sizeof(prog.type("struct dyn_ftrace"))
    for index in range(0, len(records), max(1, len(records) // _RECORDS)):
        yield int(records[index].address), size


def _place(pointer: Object) -> tuple[int, int]:
    return pointer.value_(), sizeof(pointer[0])


_FINDERS: dict[str, Callable[[Program], Iterator[tuple[int, int]]]] = {
    "klp_patch": _patches,
    "klp_object": _objects,
    "klp_func": _funcs,
    "klp_ops": _klp_ops,
    "ftrace_ops": _ftrace_ops,
    "ftrace_hash": _hashes,
    "module": _modules,
    "task_struct": _tasks,
    "dyn_ftrace": _records,
}
