# SPDX-License-Identifier: GPL-2.0-or-later
"""CPUs that KGDB stopped where Linux cannot let them go on."""

from collections.abc import Callable

from klp_debug.targets.registers import cpu_registers
from klp_debug.targets.target import Target

_MSR_RI = 1 << 1
_SYSTEM_RESET = 0x100


def tell_unrecoverable(target: Target, tell: Callable[[str], None]) -> None:
    """
    Tell on which CPUs the kernel will oops when a target in KGDB runs on, if on any.

    KGDB stops the other CPUs by a system reset (``smp_send_debugger_break()`` in
    arch/powerpc/kernel/smp.c). One that comes in the first instructions of another interrupt, where
    MSR[RI] is 0, overwrites SRR0 and SRR1, so that nobody knows where to return:
    ``system_reset_exception()`` in arch/powerpc/kernel/traps.c dies of it.
    """
    if target.stopped is None or target.stopped.kind != "KGDB":
        return
    cpus = [
        str(registers.cpu)
        for registers in cpu_registers(target).cpus
        if registers.trap == _SYSTEM_RESET and not registers.msr & _MSR_RI
    ]
    if cpus:
        which = f"CPU {cpus[0]}" if len(cpus) == 1 else f"CPUs {', '.join(cpus)}"
        tell(
            f"KGDB stopped {which} in the first instructions of an interrupt (MSR RI is 0), from"
            " where Linux cannot return: when it runs on, expect 'Unrecoverable System Reset'"
        )
