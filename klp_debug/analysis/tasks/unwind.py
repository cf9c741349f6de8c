# SPDX-License-Identifier: GPL-2.0-or-later
"""
Stacks, with the frames that a plain walk misses because their return address is elsewhere.

drgn walks the kernel's stack. Where it meets ``livepatch_handler`` the function that called the
original is missing: its return address is on the task's livepatch stack, one entry a call. Where it
meets ``return_to_handler`` the function graph tracer has the address on the task's shadow stack.
"""

import dataclasses
from collections.abc import Iterator

from drgn import Object, StackFrame, StackTrace

from klp_debug.analysis.patches.roles import PatchedFunctions
from klp_debug.analysis.tasks.text import Text
from klp_debug.analysis.tasks.traced_call import is_trampoline
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_symbols import LIVEPATCH_HANDLER
from klp_debug.kernel.livepatch_stack import (
    LivepatchEntry,
    livepatch_stack,
    livepatch_stack_entries,
)
from klp_debug.kernel.shadow_stack import RealReturns
from klp_debug.result.address import Address
from klp_debug.result.bt import Frame, LivepatchEntryResult
from klp_debug.result.unknown import Unknown

Entries = tuple[LivepatchEntry | Unknown, ...]
"""A livepatch stack, the newest entry first; what could not be read comes last."""


class Unwinder:
    """Walks stacks of one target."""

    def __init__(self, view: KernelView) -> None:
        """Prepare to walk."""
        self._view = view
        self._patched = view.once(PatchedFunctions)
        self.text = Text(view)

    def livepatch_stack(self, task: Object, stack: range) -> Entries:
        """
        Return the entries of a task's livepatch stack, the newest first.

        What cannot be read becomes a problem of the view.
        """
        attempt = self._view.problems.attempt
        where = f"livepatch stack of task {task.pid.value_()}"
        used = attempt(where, livepatch_stack, task, stack)
        if isinstance(used, Unknown):
            return (used,)
        if not used:
            return ()
        layout = self._view.livepatch_entry
        if isinstance(layout, Unknown):
            return (layout,)
        entries = attempt(where, livepatch_stack_entries, self._view.prog, used, layout)
        return (entries,) if isinstance(entries, Unknown) else tuple(entries)

    def frames(
        self, task: Object, trace: StackTrace, entries: Entries, *, resumed: bool = False
    ) -> tuple[Frame | Unknown, ...]:
        """
        Return the frames of a walk, and behind each ``livepatch_handler`` its caller.

        :param task: ``struct task_struct *``: whose stack it is
        :param resumed: whether the walk began at a return address, with registers of a callee
        """
        return tuple(_Walk(self, self._view, task, entries).splice(trace, resumed))

    def bare(self, pc: int, sp: int, *, interrupted: bool, site: int | None = None) -> Frame:
        """
        Return a frame that only registers tell of.

        :param site: of the mcount site that made the call, if one did, though out of line
        """
        frame = self.shown(pc, sp, interrupted=interrupted)
        if site is None or pc == site + 4:
            return frame
        role = self._patched.role_at(site)
        symbol = self.text.symbol(site, exact=True)
        if not isinstance(symbol, Unknown):
            symbol = f"out-of-line stub of {symbol}"
        return dataclasses.replace(
            frame,
            symbol=symbol,
            role=role if role is None or isinstance(role, Unknown) else role.role,
            patch=role if role is None or isinstance(role, Unknown) else role.patch,
        )

    def describe(self, entry: LivepatchEntry) -> LivepatchEntryResult:
        """Return an entry as it is shown."""
        return LivepatchEntryResult(
            address=Address(entry.address),
            toc=Address(entry.toc),
            lr=Address(entry.lr),
            lr_symbol=self.text.symbol(entry.lr, exact=False),
            marker=Address(entry.marker),
            intact=entry.intact,
        )

    def shown(
        self,
        pc: int,
        sp: int | None,
        *,
        interrupted: bool,
        inlined: str | None = None,
        from_shadow_stack: bool = False,
    ) -> Frame:
        """
        Return a frame with what is known of its address.

        :param sp: None if only the livepatch stack tells of it
        :param inlined: the function that is part of the next frame, if one is
        """
        role = self._patched.role_at(pc if interrupted else (pc - 1) % (1 << 64))
        return Frame(
            pc=Address(pc),
            symbol=inlined or self.text.symbol(pc, exact=interrupted),
            sp=Address(sp) if sp is not None else None,
            inlined=inlined is not None,
            interrupted=interrupted,
            from_livepatch_stack=sp is None,
            role=role if role is None or isinstance(role, Unknown) else role.role,
            patch=role if role is None or isinstance(role, Unknown) else role.patch,
            from_shadow_stack=from_shadow_stack,
        )


class _Walk:
    """One walk of drgn's, and what it misses."""

    def __init__(
        self, unwinder: Unwinder, view: KernelView, task: Object, entries: Entries
    ) -> None:
        self._unwinder = unwinder
        self._view = view
        self._where = f"stack of task {task.pid.value_()}"
        self._returns = RealReturns(task)
        self._rest = list(entries)

    def splice(self, trace: StackTrace, resumed: bool) -> Iterator[Frame | Unknown]:
        before: tuple[int, int] | None = None
        for real in trace:
            if not real.is_inline:
                if (real.pc, real.sp) == before:
                    yield self._view.problems.add(
                        self._where, f"the walk does not go on from the frame at {real.sp:#x}"
                    )
                    return
                before = real.pc, real.sp
            frame = self._view.problems.attempt(self._where, self._frame, real, resumed)
            yield frame
            if isinstance(frame, Unknown):
                continue
            if is_trampoline(frame.symbol):
                return  # drgn has no word of what is behind it
            resumed = resumed and frame.inlined
            symbol = frame.symbol
            if isinstance(symbol, str) and symbol.partition("+")[0] == LIVEPATCH_HANDLER:
                yield from self._saved(frame)

    def _frame(self, real: StackFrame, resumed: bool) -> Frame:
        interrupted = real.interrupted and not resumed
        if real.is_inline:
            return self._unwinder.shown(
                real.pc, real.sp, interrupted=interrupted, inlined=real.name
            )
        if interrupted:
            return self._unwinder.shown(real.pc, real.sp, interrupted=True)
        pc = self._returns.real(real.pc, real.sp)
        return self._unwinder.shown(pc, real.sp, interrupted=False, from_shadow_stack=pc != real.pc)

    def _saved(self, handler: Frame) -> Iterator[Frame | Unknown]:
        """Yield the caller of a replacement, if something is on the livepatch stack."""
        if not self._rest:
            return
        entry = self._rest[0]
        if isinstance(entry, Unknown):  # and so are those of all calls before
            yield entry
            return
        del self._rest[0]
        yield self._view.problems.attempt(self._where, self._caller, entry, handler)

    def _caller(self, entry: LivepatchEntry, handler: Frame) -> Frame:
        assert handler.sp is not None
        # The handler has no frame of its own: LR would be saved where it is of the caller's.
        lr = self._returns.real(entry.lr, int(handler.sp))
        return self._unwinder.shown(lr, None, interrupted=False, from_shadow_stack=lr != entry.lr)
