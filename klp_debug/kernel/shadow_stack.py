# SPDX-License-Identifier: GPL-2.0-or-later
"""
The shadow stack of a task: where functions really return to that the function graph tracer follows.

On the kernel stack each of them has ``return_to_handler`` in the place of its return address.

Source: ``ftrace_graph_ret_addr()`` in kernel/trace/fgraph.c, and ``struct ftrace_ret_stack`` in
include/linux/ftrace.h.
"""

import struct
from dataclasses import dataclass

from drgn import Object, Program, TypeKind, sizeof

from klp_debug.kernel.ftrace_symbols import RETURN_TO_HANDLER
from klp_debug.kernel.walk import WalkError

_DEPTH = 50
"""``FTRACE_RETFUNC_DEPTH``: the entries of a stack that is an array of them."""
_SIZE = 4096
"""``SHADOW_STACK_SIZE``: the bytes of one that is an array of longs."""
_OFFSET_MASK = (1 << 10) - 1
"""``FGRAPH_FRAME_OFFSET_MASK``: of the word above an entry, how many words below it that begins."""


@dataclass(frozen=True, slots=True)
class SavedReturn:
    """One return address that the tracer keeps."""

    ret: int
    retp: int | None
    """Beginning of the frame whose LR save word it is from; None where the kernel does not tell."""


@dataclass(frozen=True, slots=True)
class ShadowStack:
    """What the tracer keeps of one task."""

    saved: tuple[SavedReturn, ...]
    """Those in use, the newest first."""
    words: tuple[int, ...]
    """All doublewords of it, leftovers too."""


class RealReturns:
    """Tells of one walk of a stack, the innermost frame first, where its functions return to."""

    def __init__(self, task: Object) -> None:
        """Take the task, ``struct task_struct *``; nothing is read before it is needed."""
        self._task = task
        self._met = 0
        self._shadow: ShadowStack | None = None
        try:
            self._handler: int | None = task.prog_.symbol(RETURN_TO_HANDLER).address
        except LookupError:  # no function graph tracer
            self._handler = None

    def hides(self, address: int) -> bool:
        """Return whether a return address is that of the tracer, which keeps the real one."""
        return address == self._handler

    def real(self, address: int, frame: int) -> int:
        """
        Return where a function really returns to, as ``ftrace_graph_ret_addr()`` does.

        It is ``return_to_handler`` still where the tracer keeps nothing for that frame.

        :param address: the return address that is on the stack
        :param frame: beginning of the frame whose LR save word has it
        :raises WalkError, drgn.FaultError, LookupError: if the shadow stack cannot be read
        """
        if not self.hides(address):
            return address
        self._shadow = self._shadow or shadow_stack(self._task)
        saved = self._shadow.saved if self._shadow is not None else ()
        number, self._met = self._met, self._met + 1
        if any(each.retp is None for each in saved):
            return saved[number].ret if number < len(saved) else address
        # Of a tail call all entries but the oldest have return_to_handler for an address.
        fitting = (each.ret for each in saved if each.retp == frame and each.ret != address)
        return next(fitting, address)


def shadow_stack(task: Object) -> ShadowStack | None:
    """
    Return the shadow stack of a task; None if it has none, as nobody has who was never traced.

    :param task: ``struct task_struct *``
    :raises WalkError: if it is damaged
    :raises drgn.FaultError: if it cannot be read
    """
    try:
        pointer = task.ret_stack.read_()
    except AttributeError:  # no CONFIG_FUNCTION_GRAPH_TRACER
        return None
    start, top = pointer.value_(), task.curr_ret_stack.value_()
    if not start:
        return None
    entry = _Entry(task.prog_)
    # An array of struct ftrace_ret_stack; since several tracers can share it, one of longs.
    if pointer.type_.type.kind == TypeKind.STRUCT:
        words = _read(task.prog_, start, _DEPTH * entry.words)
        return ShadowStack(tuple(_of_entries(words, top, entry)), words)
    words = _read(task.prog_, start, _SIZE // 8)
    return ShadowStack(tuple(_of_longs(words, top, entry)), words)


def _read(prog: Program, start: int, words: int) -> tuple[int, ...]:
    return struct.unpack(f"<{words}Q", prog.read(start, 8 * words))


class _Entry:
    """Where ``struct ftrace_ret_stack`` has what."""

    def __init__(self, prog: Program) -> None:
        type_ = prog.type("struct ftrace_ret_stack")
        self.words = sizeof(type_) // 8
        self._ret = type_.member("ret").offset // 8
        # Kernels have it that match the frames, see HAVE_FUNCTION_GRAPH_RET_ADDR_PTR.
        self._retp = type_.member("retp").offset // 8 if type_.has_member("retp") else None

    def at(self, words: tuple[int, ...], index: int) -> SavedReturn:
        retp = None if self._retp is None else words[index + self._retp]
        return SavedReturn(words[index + self._ret], retp)


def _of_entries(words: tuple[int, ...], top: int, entry: _Entry) -> list[SavedReturn]:
    """:param top: index of the newest entry, -1 if there is none"""
    if not -1 <= top < _DEPTH:
        raise WalkError(f"curr_ret_stack is {top}, and a shadow stack has {_DEPTH} entries")
    return [entry.at(words, index * entry.words) for index in range(top, -1, -1)]


def _of_longs(words: tuple[int, ...], top: int, entry: _Entry) -> list[SavedReturn]:
    """:param top: index of the word above the newest entry, 0 if there is none"""
    if not 0 <= top <= len(words):
        raise WalkError(f"curr_ret_stack is {top}, and a shadow stack has {len(words)} words")
    saved = []
    while top > 0:
        top -= 1
        below = words[top] & _OFFSET_MASK
        if not entry.words <= below <= top:
            raise WalkError(f"word {top} of a shadow stack, {words[top]:#x}, leads to no entry")
        top -= below
        saved.append(entry.at(words, top))
    return saved
