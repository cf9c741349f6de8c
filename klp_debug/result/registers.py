# SPDX-License-Identifier: GPL-2.0-or-later
"""What the registers of CPUs held when a dump was taken."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.unknown import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """
    The registers of one CPU, named as ``struct pt_regs`` names them.

    Those that the kernel saved are of the moment of the crash: on the CPU that crashed, of the
    exception, or of ``panic()``'s own callers; on another, of what an interrupt stopped.
    """

    cpu: int
    """As the kernel numbers CPUs."""
    gpr: tuple[Address, ...]
    """r0 to r31."""
    nip: Address
    msr: Address
    ctr: Address
    link: Address
    xer: Address
    ccr: Address
    trap: Address | None
    """The exception's vector; 0 where there was none. None where QEMU saved the registers."""
    dar: Address | None
    dsisr: Address | None
    cfar: Address | None
    """
    Where the last branch before the exception was made.

    None where the kernel did not save it: there was no exception, or QEMU saved the registers.
    """
    saved_by: Literal["kernel", "QEMU"]
    srr0: Address | None = None
    """
    Where the last exception came, which at the very entry of its handler is told by nothing else.

    None where it is not known: a dump has none.
    """
    srr1: Address | None = None
    """MSR of what it interrupted."""


@dataclass(frozen=True, slots=True)
class CpuRegisters:
    """The registers of all CPUs, as far as they are known."""

    cpus: tuple[Registers, ...]
    """By number of the CPU; no more than one for each."""
    problems: tuple[Problem, ...]

    def of(self, cpu: int) -> Registers | Unknown:
        """Return those of a CPU."""
        for registers in self.cpus:
            if registers.cpu == cpu:
                return registers
        where = f"registers of CPU {cpu}"
        own = [problem.what for problem in self.problems if problem.where == where]
        others = [problem.what for problem in self.problems]
        return Unknown(f"{where}: {(own + others + ['nobody saved them'])[0]}")
