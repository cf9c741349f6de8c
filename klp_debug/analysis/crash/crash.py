# SPDX-License-Identifier: GPL-2.0-or-later
"""The scene of a crash: what every rule looks at."""

from dataclasses import dataclass

from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.analysis.view.find_site import site_of_call
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.log import oops_reports
from klp_debug.kernel.panic import Crash, crash, panic_message
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.entry import TocSetup
from klp_debug.result.bt import TaskTrace
from klp_debug.result.registers import Registers
from klp_debug.result.report import CrashFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashScene:
    """What is known of a crash."""

    view: KernelView
    tracer: TaskTracer
    crash: Crash
    message: str | None
    registers: Registers | None
    trace: TaskTrace | None
    report: tuple[str, ...]
    """The kernel's own report of it."""

    @property
    def wild(self) -> bool:
        """Whether the CPU went where no text is."""
        return self.registers is not None and not self.tracer.is_text(int(self.registers.nip))

    @property
    def site(self) -> int | None:
        """The index of the mcount site that made the last call, if one did."""
        if self.registers is None:
            return None
        return site_of_call(self.view, int(self.registers.link))

    @property
    def function_with_toc(self) -> KernelSymbol | None:
        """
        The function that crashed, or whose call went astray, if it sets its TOC up.

        What it crashed in, by NIP; but where that is a stub or no text, the function that LR is in.
        """
        if self.registers is None:
            return None
        symbols = self.view.symbols
        at = symbols.covering(int(self.registers.nip))
        if at is None or not at.is_function:
            at = symbols.covering(int(self.registers.link) - 4)
        if at is None or not at.is_function:
            return None
        with self.view.problems.noting(f"text of {at.name}"):
            return at if self.view.entry_of(at).toc_setup is TocSetup.R12 else None
        return None

    def nip_in(self, symbol: KernelSymbol) -> bool:
        """Return whether NIP is in a function."""
        nip = int(self.registers.nip) if self.registers is not None else 0
        return symbol.address <= nip < symbol.address + symbol.size

    def facts(self) -> CrashFacts:
        """Return what is shown of it."""
        return CrashFacts(
            message=self.message,
            cpu=self.crash.cpu,
            registers=self.registers,
            trace=self.trace,
            log=self.report,
        )


def crash_scene(view: KernelView, tracer: TaskTracer) -> CrashScene | None:
    """
    Return the scene of the crash; None if the kernel did not crash.

    What cannot be read becomes a problem of the view.
    """
    found = None
    with view.problems.noting("which CPU crashed"):
        found = crash(view.prog)
    if found is None:
        return None
    trace = None
    with view.problems.noting(f"task that crashed on CPU {found.cpu}"):
        trace = tracer.trace(found.task)
    reports = oops_reports(view.log)
    return CrashScene(
        view=view,
        tracer=tracer,
        crash=found,
        message=panic_message(view.log),
        registers=tracer.registers.of(found.cpu),
        trace=trace,
        report=tuple(record.text for record in reports[-1]) if reports else (),
    )
