# SPDX-License-Identifier: GPL-2.0-or-later
"""
Stacks, with the frames that a plain walk misses because livepatch saved their return address.

drgn walks the kernel's stack. Where it meets ``livepatch_handler`` the function that called the
original is missing: its return address is on the task's livepatch stack, one entry a call.
"""

import dataclasses
from collections.abc import Iterator

from drgn import Object, StackFrame, StackTrace

from klp_debug.analysis.patches.roles import PatchedFunctions
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_symbols import LIVEPATCH_HANDLER
from klp_debug.kernel.livepatch_stack import LivepatchEntry, livepatch_stack_entries
from klp_debug.result.address import Address
from klp_debug.result.bt import Frame, LivepatchEntryResult
from klp_debug.result.text import with_module


class Unwinder:
    """Walks stacks of one target."""

    def __init__(self, view: KernelView) -> None:
        """Prepare to walk."""
        self._view = view
        self._patched = PatchedFunctions(view)

    def livepatch_stack(self, task: Object, stack: range) -> tuple[LivepatchEntry, ...]:
        """
        Return the entries of a task's livepatch stack, the newest first.

        What cannot be read becomes a problem of the view.
        """
        with self._view.problems.noting(f"livepatch stack of task {task.pid.value_()}"):
            return tuple(livepatch_stack_entries(task, stack))
        return ()

    def frames(
        self, trace: StackTrace, entries: tuple[LivepatchEntry, ...], *, resumed: bool = False
    ) -> tuple[Frame, ...]:
        """
        Return the frames of a walk, and behind each ``livepatch_handler`` its caller.

        :param resumed: whether the walk began at a return address, with registers of a callee
        """
        return tuple(self._splice(trace, entries, resumed))

    def bare(self, pc: int, sp: int, *, interrupted: bool, site: int | None = None) -> Frame:
        """
        Return a frame that only registers tell of.

        :param site: of the mcount site that made the call, if one did, though out of line
        """
        frame = self._shown(pc, sp, interrupted=interrupted)
        if site is None or pc == site + 4:
            return frame
        role = self._patched.role_at(site)
        return dataclasses.replace(
            frame,
            symbol=f"out-of-line stub of {self._symbol(site, exact=True)}",
            role=role.role if role is not None else None,
            patch=role.patch if role is not None else None,
        )

    def describe(self, entry: LivepatchEntry) -> LivepatchEntryResult:
        """Return an entry as it is shown."""
        return LivepatchEntryResult(
            address=Address(entry.address),
            toc=Address(entry.toc),
            lr=Address(entry.lr),
            lr_symbol=self._symbol(entry.lr, exact=False),
            marker=Address(entry.marker),
            intact=entry.intact,
        )

    def _splice(
        self, trace: StackTrace, entries: tuple[LivepatchEntry, ...], resumed: bool
    ) -> Iterator[Frame]:
        rest = iter(entries)
        for real in trace:
            frame = self._frame(real, resumed)
            yield frame
            resumed = resumed and frame.inlined
            if frame.symbol is not None and frame.symbol.partition("+")[0] == LIVEPATCH_HANDLER:
                entry = next(rest, None)
                if entry is not None:
                    yield self._saved(entry)

    def _frame(self, real: StackFrame, resumed: bool) -> Frame:
        interrupted = real.interrupted and not resumed
        name = real.name if real.is_inline else None
        return self._shown(real.pc, real.sp, interrupted=interrupted, inlined=name)

    def _saved(self, entry: LivepatchEntry) -> Frame:
        return self._shown(entry.lr, None, interrupted=False)

    def _shown(
        self, pc: int, sp: int | None, *, interrupted: bool, inlined: str | None = None
    ) -> Frame:
        role = self._patched.role_at(pc if interrupted else _before(pc))
        return Frame(
            pc=Address(pc),
            symbol=inlined or self._symbol(pc, exact=interrupted),
            sp=Address(sp) if sp is not None else None,
            inlined=inlined is not None,
            interrupted=interrupted,
            from_livepatch_stack=sp is None,
            role=role.role if role is not None else None,
            patch=role.patch if role is not None else None,
        )

    def _symbol(self, pc: int, *, exact: bool) -> str | None:
        """Name an address; a return address may lie behind the last instruction of its function."""
        symbol = self._view.symbols.covering(pc if exact else _before(pc))
        if symbol is None:
            return None
        return with_module(f"{symbol.name}+{pc - symbol.address:#x}", symbol.module)


def _before(address: int) -> int:
    """Return the address before one, which may be anything: a damaged stack holds it."""
    return (address - 1) % (1 << 64)
