# SPDX-License-Identifier: GPL-2.0-or-later
"""The scene of a crash: what every rule looks at."""

from dataclasses import dataclass

from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.analysis.tasks.crashed import crashed
from klp_debug.analysis.view.find_site import site_of_call
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.log import oops_reports
from klp_debug.kernel.panic import panic_message
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.entry import TocSetup
from klp_debug.result.bt import TaskTrace
from klp_debug.result.registers import Registers
from klp_debug.result.report import CrashFacts
from klp_debug.result.unknown import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashScene:
    """What is known of a crash."""

    view: KernelView
    tracer: TaskTracer
    cpu: int | Unknown
    message: str | Unknown | None
    registers: Registers | Unknown
    trace: TaskTrace | Unknown
    report: tuple[str | Unknown, ...]
    """The kernel's own report of it."""

    @property
    def wild(self) -> bool | Unknown:
        """Whether the CPU went where no text is."""
        if isinstance(self.registers, Unknown):
            return self.registers
        text = self.tracer.is_text(int(self.registers.nip))
        return text if isinstance(text, Unknown) else not text

    @property
    def site(self) -> int | Unknown | None:
        """The index of the mcount site that made the last call; None if none did."""
        if isinstance(self.registers, Unknown):
            return self.registers
        return site_of_call(self.view, int(self.registers.link))

    @property
    def function_with_toc(self) -> KernelSymbol | Unknown | None:
        """
        The function that crashed, or whose call went astray, if it sets its TOC up.

        What it crashed in, by NIP; but where that is a stub or no text, the function that LR is in.
        """
        if isinstance(self.registers, Unknown):
            return self.registers
        symbols = self.view.symbols
        at = symbols.covering(int(self.registers.nip))
        if at is None or (isinstance(at, KernelSymbol) and not at.is_function):
            at = symbols.covering(int(self.registers.link) - 4)
        if at is None or isinstance(at, Unknown) or not at.is_function:
            return at if isinstance(at, Unknown) else None
        entry = self.view.problems.attempt(f"text of {at.name}", self.view.entry_of, at)
        if isinstance(entry, Unknown):
            return entry
        return at if entry.toc_setup is TocSetup.R12 else None

    def facts(self) -> CrashFacts:
        """Return what is shown of it."""
        return CrashFacts(
            message=self.message,
            cpu=self.cpu,
            registers=self.registers,
            trace=self.trace,
            log=self.report,
        )


def crash_scene(view: KernelView, tracer: TaskTracer) -> CrashScene | Unknown | None:
    """
    Return the scene of the crash; None if the kernel did not crash.

    What cannot be read becomes a problem of the view.
    """
    found = crashed(view)
    if found is None or isinstance(found, Unknown):
        return found
    cpu, task = found.cpu, found.task
    where = f"registers of CPU {cpu}"
    found_registers = cpu if isinstance(cpu, Unknown) else tracer.registers.of(cpu)
    registers: Registers | Unknown
    if found_registers is None:
        registers = view.problems.add(where, "they are not in the dump")
    else:
        registers = found_registers
    trace: TaskTrace | Unknown
    if isinstance(task, Unknown):
        trace = task
    else:
        trace = view.problems.attempt(f"task that crashed on CPU {cpu}", tracer.trace, task)
    reports = oops_reports(view.log.items)
    message = panic_message(view.log.items)
    missing = view.log.missing
    return CrashScene(
        view=view,
        tracer=tracer,
        cpu=cpu,
        # A later report may be among what is missing.
        message=message if missing is None else missing,
        registers=registers,
        trace=trace,
        report=(
            *(record.text for record in (reports[-1] if reports and missing is None else ())),
            *((missing,) if missing is not None else ()),
        ),
    )
