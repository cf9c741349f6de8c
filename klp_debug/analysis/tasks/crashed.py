# SPDX-License-Identifier: GPL-2.0-or-later
"""
Where the kernel crashed; where its variables cannot be read, by what else tells of it.

A kernel that goes down saves the registers of its CPUs in ``crash_notes``, and its log names the
CPU of each report.
"""

from drgn import Object

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.log import oops_reports
from klp_debug.kernel.panic import CPU_VARIABLES, Crash, cpu_in, cpu_of_report, is_panic
from klp_debug.kernel.task import cpu_curr, for_each_possible_cpu
from klp_debug.result.unknown import Unknown
from klp_debug.targets.registers import cpu_registers


def crashed(view: KernelView) -> Crash | Unknown | None:
    """
    Return where the kernel crashed; None if it did not.

    What cannot be read becomes a problem of the view, even if something else tells it.

    >>> crashed(view).cpu, crashed(view).told_by
    (0, 'panic_cpu')
    """
    unread = None
    for name in CPU_VARIABLES:
        cpu = view.problems.attempt("which CPU crashed", cpu_in, view.prog, name)
        if isinstance(cpu, Unknown):
            unread = cpu if unread is None else unread
        elif cpu is not None:
            return Crash(cpu, name, _running_on(view, cpu))
    return None if unread is None else _by_other_witnesses(view, unread)


def _by_other_witnesses(view: KernelView, unread: Unknown) -> Crash | Unknown:
    reports = oops_reports(view.log)
    saved = _saved_registers(view)
    if not saved and not (reports and is_panic(reports[-1])):
        return unread
    cpu = cpu_of_report(reports[-1]) if reports else None
    # Of a log that is not whole the last report may be of an oops before the crash.
    if cpu is None or view.log.missing is not None or not _is_possible(view, cpu):
        return Crash(unread, "registers" if saved else "log", unread)
    return Crash(cpu, "log", _running_on(view, cpu))


def _saved_registers(view: KernelView) -> bool:
    """Return whether the dump has registers that the kernel itself saved: it did so last of all."""
    if view.target.core is None:
        return False
    return any(each.saved_by == "kernel" for each in cpu_registers(view.target).cpus)


def _is_possible(view: KernelView, cpu: int) -> bool:
    possible = view.problems.attempt("CPUs", lambda: list(for_each_possible_cpu(view.prog)))
    return not isinstance(possible, Unknown) and cpu in possible


def _running_on(view: KernelView, cpu: int) -> Object | Unknown:
    return view.problems.attempt(f"runqueue of CPU {cpu}", cpu_curr, view.prog, cpu)
