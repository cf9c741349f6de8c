# SPDX-License-Identifier: GPL-2.0-or-later
"""
Whether the kernel crashed, where, and what it said of it.

Source: kernel/panic.c, arch/powerpc/kexec/crash.c and arch/powerpc/kernel/traps.c.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from drgn import Object, Program
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.sched import cpu_curr

from klp_debug.kernel.log import LogRecord, oops_reports
from klp_debug.kernel.walk import WalkError
from klp_debug.result.unknown import Unknown

_NONE = -1
"""``PANIC_CPU_INVALID``, and what ``crashing_cpu`` holds before a crash."""
SYSRQ = ("sysrq: Trigger a crash", "sysrq: SysRq : Trigger a crash", "SysRq : Trigger a crash")
"""What the log has of a crash that somebody asked for."""
_PANIC = "Kernel panic - not syncing: "
_CPU_LINE = re.compile(r"CPU: (\d+) ")
"""What ``dump_stack_print_info()`` prints: ``CPU: 1 PID: 52 Comm: cat``."""

CpuVariable = Literal["panic_cpu", "crashing_cpu"]
CPU_VARIABLES: tuple[CpuVariable, ...] = ("panic_cpu", "crashing_cpu")
"""The variables that name the CPU that crashed; the first one set counts."""


@dataclass(frozen=True, slots=True)
class Crash:
    """A kernel that went down."""

    cpu: int | Unknown
    """The CPU that crashed."""
    told_by: Literal["panic_cpu", "crashing_cpu", "log", "registers"]
    """What tells it: a variable, the last report in the log, or that the kernel saved registers."""
    task: Object | Unknown
    """``struct task_struct *``: what that CPU ran."""


def crash(prog: Program) -> Crash | None:
    """
    Return where the kernel crashed; None if it did not.

    ``panic()`` and ``crash_kexec()`` set ``panic_cpu`` (since 4.5), powerpc's shutdown for a crash
    kernel ``crashing_cpu``. An oops that killed nothing but its task is no crash.

    >>> crash(prog).cpu, crash(prog).told_by
    (0, 'panic_cpu')

    :raises drgn.FaultError: if it cannot be told
    :raises WalkError: if what the variables say makes no sense
    """
    for name in CPU_VARIABLES:
        cpu = cpu_in(prog, name)
        if cpu is not None:
            return Crash(cpu, name, cpu_curr(prog, cpu))
    return None


def cpu_in(prog: Program, name: CpuVariable) -> int | None:
    """
    Return the CPU that crashed, as a variable of the kernel has it; None if that names none.

    :raises drgn.FaultError: if it cannot be read
    :raises WalkError: if the kernel has no such CPU
    """
    try:
        variable = prog[name]
    except LookupError:
        return None
    with contextlib.suppress(AttributeError):
        variable = variable.counter
    cpu = int(variable.value_())
    if cpu == _NONE:
        return None
    if cpu not in for_each_possible_cpu(prog):
        raise WalkError(f"{name} is {cpu}, which is no CPU of this kernel")
    return cpu


def cpu_of_report(report: Sequence[LogRecord]) -> int | None:
    """
    Return the CPU that a report of an oops or a panic is from; None if it does not say.

    :param report: one of :func:`~klp_debug.kernel.log.oops_reports`
    """
    for record in report:
        for line in record.text.splitlines():
            if match := _CPU_LINE.match(line):
                return int(match[1])
    return None


def is_panic(report: Sequence[LogRecord]) -> bool:
    """Return whether the kernel went down with a report: an oops may cost no more than a task."""
    return any(record.text.startswith(_PANIC) for record in report)


def panic_message(records: Sequence[LogRecord]) -> str | None:
    """
    Return the line that says why the kernel crashed; None if the log has none.

    The first of the last report: of an oops ``BUG: ...`` or ``Oops: ...``, of a panic what follows
    ``Kernel panic - not syncing:``. Where there is no report, it may be ``sysrq: Trigger a crash``.

    >>> panic_message(list(for_each_log_record(prog)))
    'sysrq triggered crash'
    """
    reports = oops_reports(records)
    if reports:
        return reports[-1][0].text.splitlines()[0].removeprefix(_PANIC)
    return next((record.text for record in reversed(records) if record.text in SYSRQ), None)
