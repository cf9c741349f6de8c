# SPDX-License-Identifier: GPL-2.0-or-later
"""
Whether the kernel crashed, where, and what it said of it.

Source: kernel/panic.c, arch/powerpc/kexec/crash.c and arch/powerpc/kernel/traps.c.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from drgn import Object, Program
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.sched import cpu_curr

from klp_debug.kernel.log import LogRecord, oops_reports
from klp_debug.kernel.walk import WalkError

_NONE = -1
"""``PANIC_CPU_INVALID``, and what ``crashing_cpu`` holds before a crash."""
SYSRQ = ("sysrq: Trigger a crash", "sysrq: SysRq : Trigger a crash", "SysRq : Trigger a crash")
"""What the log has of a crash that somebody asked for."""
_PANIC = "Kernel panic - not syncing: "


@dataclass(frozen=True, slots=True)
class Crash:
    """A kernel that went down."""

    cpu: int
    """The CPU that crashed."""
    told_by: Literal["panic_cpu", "crashing_cpu"]
    """The variable that names it."""
    task: Object
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
    for name in ("panic_cpu", "crashing_cpu"):
        cpu = _cpu(prog, name)
        if cpu == _NONE:
            continue
        if cpu not in for_each_possible_cpu(prog):
            raise WalkError(f"{name} is {cpu}, which is no CPU of this kernel")
        return Crash(cpu, name, cpu_curr(prog, cpu))
    return None


def _cpu(prog: Program, name: str) -> int:
    try:
        variable = prog[name]
    except LookupError:
        return _NONE
    with contextlib.suppress(AttributeError):
        variable = variable.counter
    return int(variable.value_())


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
