# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``report``: whether live patching is to blame, how it is proven, what to do."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.bt import TaskTrace
from klp_debug.result.common import Finding, Problem
from klp_debug.result.kernel import Kernel
from klp_debug.result.list import Patch, Transition
from klp_debug.result.refusal import Refusal
from klp_debug.result.registers import Registers
from klp_debug.result.unknown import Number, Unknown

Blame = Literal["caused", "involved", "not involved", "no crash", "cannot be told"]
"""
What live patching has to do with the crash:

``caused``
    a stub, site, trampoline or livepatch stack led to it;
``involved``
    a replacement, or what it called, crashed: the patch's own code may be at fault;
``not involved``
    nothing of live patching is on the way to the crash, and all that this rests on was read;
``no crash``
    the kernel did not crash;
``cannot be told``
    what the target lacks, or what livepatch itself was about, leaves it open.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer in short."""

    blame: Blame
    id: str | Unknown | None = None
    """The finding that names the cause, if there is one."""
    what: tuple[str, ...]
    """Sentences; the first is the verdict itself."""
    proof: tuple[str, ...] = ()
    """A line for each step, with the values that the dump holds."""
    why: str | Unknown | None = None
    """Where such a fault comes from."""
    now: str | Unknown | None = None
    """What to do."""
    checked: tuple[str, ...] = ()
    """What was looked at, where nothing was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashFacts:
    """The crash itself."""

    message: str | Unknown | None
    """What the kernel said; None if its log does not tell."""
    cpu: int | Unknown
    registers: Registers | Unknown
    """Those of the CPU that crashed, at the exception where the kernel tells."""
    trace: TaskTrace | Unknown
    """The stack of the task that crashed."""
    log: tuple[str | Unknown, ...]
    """The kernel's own report of it."""


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """What ``audit`` found, in numbers."""

    sites: Number
    armed: Number
    findings: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The answer of ``report``."""

    kernel: Kernel
    verdict: Verdict
    crash: CrashFacts | Unknown | None
    findings: tuple[Finding | Unknown, ...]
    """By severity; those of ``audit``, and those about the crash; and what was not checked."""
    patches: tuple[Patch | Unknown, ...]
    transition: Transition | Unknown | None
    """Which way, if one is under way."""
    waiting: Number
    """How many tasks have not switched in it."""
    audit: AuditSummary
    refusals: tuple[Refusal | Unknown, ...]
    """Patches, or parts of them, that the kernel refused, by its log; the oldest first."""
    problems: tuple[Problem, ...]

    @property
    def clean(self) -> bool:
        """Whether there is nothing that a user of live patching must look at."""
        fine = self.verdict.blame in ("not involved", "no crash")
        return fine and not self.findings and not self.refusals and not self.problems
