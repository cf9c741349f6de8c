# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``ops``: every registered ftrace_ops and the functions that it hooks."""

from dataclasses import dataclass

from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.kernel import Kernel
from klp_debug.result.unknown import Number, Unknown


@dataclass(frozen=True, slots=True)
class Filter:
    """One ``struct ftrace_hash`` of an ops."""

    count: int
    """Addresses in it."""
    functions: tuple[str, ...]
    """Their symbols, by address."""


@dataclass(frozen=True, slots=True)
class DirectCall:
    """A site that calls something of its own, without any callback."""

    function: str
    target: Address
    target_symbol: str | Unknown | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FtraceOps:
    """One ``struct ftrace_ops``."""

    address: Address
    symbol: str | Unknown | None
    """Of the structure itself, where it is static: ``global_ops``."""
    func: Address
    """
    The callback that its functions end up in.

    Of an ops that the function graph tracer manages, what that calls for it (``entryfunc``).
    """
    func_symbol: str | Unknown | None
    user: str | Unknown | None
    """Who that callback belongs to, if it is a known one: ``livepatch``, ``kprobes``, ..."""
    patch: str | Unknown | None
    """For livepatch: the patch on top of the func_stack."""
    flags: tuple[str, ...]
    """Names of the set ``FTRACE_OPS_FL_*`` bits, without the prefix."""
    flags_word: Address
    trampoline: Address | None
    """Its own trampoline; powerpc makes none."""
    managed_by: Address | None
    """The ops on the list that is called in its place, and calls it."""
    direct_calls: tuple[DirectCall | Unknown, ...]
    """Of an ops with the DIRECT flag."""
    all_functions: bool
    """Whether its filter is empty, which means every function."""
    filter: Filter
    notrace: Filter
    hooks: Number
    """How many mcount sites it is called from."""
    hooked: tuple[str | Unknown, ...] | None
    """Their functions, by address; None where its filter is every function."""
    held_by: tuple[str | Unknown, ...] = ()
    """
    Whose it is, by name, as far as the kernel keeps that: its kprobes with their trace events, the
    BPF programs with their ids, the tracing instance.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class OpsList:
    """The answer of ``ops``."""

    kernel: Kernel
    ftrace_enabled: bool | Unknown | None
    """
    The sysctl; None in a kernel without ftrace.

    ``machine_kexec()`` of powerpc clears it on the way to a crash kernel, so it is false in every
    vmcore that kdump took.
    """
    ops: tuple[FtraceOps | Unknown, ...]
    sites: Number
    """How many mcount sites the kernel and its modules have."""
    problems: tuple[Problem, ...]

    @property
    def clean(self) -> bool:
        """Whether everything could be read."""
        return not self.problems
