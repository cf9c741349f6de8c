# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``list``: patches, their objects, their functions, and who wins."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.kernel import Kernel
from klp_debug.result.patch_details import LongList
from klp_debug.result.refusal import Refusal
from klp_debug.result.unknown import Unknown, first_unknown, known

Transition = Literal["patching", "unpatching"]
Tasks = Literal["already switched", "not yet switched"]
"""Which tasks of a transition, by their ``patch_state``."""

Mechanism = Literal["ops", "redirect", "nop", "site"]
"""
How a debugger holds a patch's function disarmed:

``ops``
    its ``klp_ops.fops.func`` is ``ftrace_stub``, so that the original runs;
``redirect``
    its ``klp_func.new_func`` is that of a patch below it on the func_stack, whose version runs;
``nop``
    its ``klp_func.nop`` is set though it has a replacement;
``site``
    its mcount site is idle though its ``ftrace_ops`` is enabled.
"""

Runs = Literal["replacement", "original", "overridden", "in transition", "not applied"]
"""
What a call of the function runs as far as this entry of its func_stack decides:

``replacement``
    this entry is on top and its ``new_func`` runs;
``original``
    this entry is on top and sends callers back (``klp_func.nop`` of an atomic replace, or
    its ``ftrace_ops`` no longer calls ``klp_ftrace_handler``, or ftrace holds its site idle, as
    ``kernel.ftrace_enabled`` = 0 makes it);
``overridden``
    another patch is above it;
``in transition``
    tasks already switched run one version, the others the other;
``not applied``
    it is on no func_stack: its object is not loaded, or its patch is off.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchedFunction:
    """One ``struct klp_func``."""

    old_name: str
    sympos: int
    """``old_sympos``: which of several symbols of that name; 0 where it must be the only one."""
    old_func: Address | None
    """Global entry point of the original; None while its object is not loaded."""
    new_func: Address
    """Global entry point of the replacement."""
    nop: bool
    """Whether this entry sends callers to the original (5.1 and later; else False)."""
    patched: bool
    transition: bool
    winner: bool | Unknown
    """Whether this entry is on top of the function's func_stack."""
    stack_position: int | Unknown | None
    """Place on the func_stack, 0 = top; None when it is on none."""
    runs: Runs | Unknown
    overridden_by: str | Unknown | None
    """The patch on top, where ``runs`` is ``overridden``, or ``in transition`` below the top."""
    new_symbol: str | Unknown | None
    """Symbol of ``new_func``."""
    address: Address
    """Of the ``struct klp_func``."""
    disarmed: Mechanism | Unknown | None = None
    """How a debugger holds it disarmed, as the kernel's memory alone tells; None if none does."""
    tasks: Tasks | Unknown | None = None
    """Which tasks run this entry, where ``runs`` is ``in transition``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchedObject:
    """One ``struct klp_object``: ``vmlinux`` or a module."""

    name: str
    patched: bool
    loaded: bool
    """Whether the object is in the kernel now; always true for ``vmlinux``."""
    functions: tuple[PatchedFunction | Unknown, ...]
    address: Address
    """Of the ``struct klp_object``."""
    barred_at: Address | Unknown | None = None
    """
    A call of the patch into the object because of which the kernel refuses to load it again.

    None if the object is loaded, or was never, or the kernel does not mind.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """One ``struct klp_patch`` of ``klp_patches``, in stacking order."""

    name: str
    """Name of the patch's module."""
    enabled: bool
    replace: bool
    """Whether it replaces earlier patches: all, or those of its ``replace_set``."""
    replace_set: int | None
    """The set of which it replaces the earlier ones; None in a kernel without such sets."""
    forced: bool
    transition: Transition | Unknown | None
    """Which way the transition goes that is under way for this patch, if one is."""
    stack_order: int
    """Place in ``klp_patches``, 1 = first; what sysfs calls ``stack_order`` (6.14)."""
    objects: tuple[PatchedObject | Unknown, ...]
    address: Address
    """Of the ``struct klp_patch``."""

    @property
    def disarmed(self) -> bool | Unknown:
        """Whether a debugger holds any of its functions disarmed."""
        functions = [func for obj in known(self.objects) for func in obj.functions]
        states = [func.disarmed for func in known(functions)]
        if any(isinstance(state, str) for state in states):
            return True
        missing = first_unknown((*states, *functions, *self.objects))
        return False if missing is None else missing


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInside:
    """A task that has a frame in a module."""

    pid: int
    comm: str | Unknown
    frame: str
    """The innermost: ``name+0xoffset [module]``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetiredPatch:
    """A patch that is applied no more, as it was disabled or replaced; its module is loaded."""

    name: str
    """Its module's."""
    references: int | Unknown | None
    """How many hold the module in the kernel; None in a kernel that cannot unload modules."""
    inside: tuple[TaskInside | Unknown, ...] | None
    """The tasks that are still in its code; None where it was not asked."""


@dataclass(frozen=True, slots=True)
class PatchList:
    """The answer of ``list``; iterates over its patches."""

    kernel: Kernel
    patches: tuple[Patch | Unknown, ...]
    transition: Transition | Unknown | None
    """Which way the transition goes that is under way, if one is."""
    refusals: tuple[Refusal | Unknown, ...] | None
    """
    Patches, or parts of them, that the kernel refused, by its log; the oldest first.

    None where the log was not asked: over a debug stub it takes long, and ``report`` does it.
    """
    problems: tuple[Problem, ...]
    retired: tuple[RetiredPatch | Unknown, ...] = ()
    """Patches that left ``klp_patches``, whose modules are loaded."""
    long: LongList | None = None
    """More about the patches; None where it was not asked for."""

    def __iter__(self) -> Iterator[Patch | Unknown]:
        return iter(self.patches)

    def __len__(self) -> int:
        return len(self.patches)

    @property
    def clean(self) -> bool:
        """Whether everything could be read."""
        return not self.problems
