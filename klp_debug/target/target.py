# SPDX-License-Identifier: GPL-2.0-or-later
"""An opened target."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from drgn import Program

from klp_debug.result.kernel import Mmu
from klp_debug.result.problem import Problem
from klp_debug.result.registers import CpuRegisters
from klp_debug.target.vmcoreinfo import Vmcoreinfo
from klp_debug.target.writable import WritableMemory


@dataclass(frozen=True, slots=True)
class Target:
    """A kernel whose memory and debugging information are at hand."""

    prog: Program
    source: str
    """What was opened: ``kdump vmcore``, ``QEMU guest``, ..."""
    vmcoreinfo: Vmcoreinfo
    vmlinux: Path | None
    """The kernel's ELF file."""
    build_id: str | None
    mmu: Mmu
    page_size: int
    """In bytes."""
    core: Path | None = None
    """The dump's file; None for a running kernel."""
    writable: WritableMemory | None = None
    """Takes writes; None if no debugger holds the target stopped."""
    stopped_registers: Callable[[], CpuRegisters] | None = None
    """Asks the debugger that holds the target stopped for the registers of its CPUs."""
    problems: list[Problem] = field(default_factory=list)
    """What opening could not do, though it could open."""
