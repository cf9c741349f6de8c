# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash where no text is, reached from a site, ftrace's trampoline or livepatch_handler."""

from collections.abc import Iterator

from klp_debug.analysis.audit.entry_points import entry_findings
from klp_debug.analysis.audit.ops import dispatcher_findings
from klp_debug.analysis.audit.site import report_site
from klp_debug.analysis.catalogue import WILD_BRANCH
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import for_each_ftrace_ops
from klp_debug.kernel.ftrace_symbols import CALL_LABELS, LIVEPATCH_HANDLER, TRAMPOLINES
from klp_debug.result.address import Address
from klp_debug.result.common import Finding
from klp_debug.result.func import Hop
from klp_debug.result.registers import Registers
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown, first_unknown

_CALLERS = (*TRAMPOLINES, *CALL_LABELS)
"""Symbols around what calls the callbacks; the last two in kernels that patch that call."""


def judge(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if the last call came from one of them; None if it did not."""
    registers, wild, index = scene.registers, scene.wild, scene.site
    if isinstance(registers, Unknown) or isinstance(wild, Unknown) or not wild:
        return first_unknown((registers, wild))
    if isinstance(index, int):
        return _from_site(scene.view, registers, index)
    caller = scene.view.symbols.known_at(int(registers.link) - 4)
    if caller is None or caller.module is not None:
        return index
    if caller.name == LIVEPATCH_HANDLER:
        found = [_line(finding) for finding in entry_findings(scene.view)]
        return _verdict(registers, f"{LIVEPATCH_HANDLER}, which calls the replacement,", found)
    if caller.name in _CALLERS:
        found = list(_callbacks(scene.view, registers))
        return _verdict(registers, f"{caller.name}, which calls ftrace's callbacks,", found)
    return index


def _from_site(view: KernelView, registers: Registers, index: int) -> Verdict:
    site = report_site(view, index)
    name = site.label
    path = [_hop(hop) for hop in site.path]
    path += [
        str(finding) if isinstance(finding, Unknown) else f"{finding.id}: {finding.evidence}"
        for finding in site.findings
    ]
    return _verdict(registers, f"The mcount site of {name}", path)


def _callbacks(view: KernelView, registers: Registers) -> Iterator[str]:
    """Iterate over what leads a trampoline where the crash was."""
    for finding in dispatcher_findings(view):
        yield _line(finding)
    walked = view.problems.walk("ftrace_ops_list", for_each_ftrace_ops(view.prog))
    for ops in walked:
        where = f"ftrace_ops {Address(ops.value_())}"
        func = view.problems.attempt(where, lambda ops: int(ops.func.value_()), ops)
        if isinstance(func, Unknown):
            yield str(func)
        elif func in (int(registers.nip), int(registers.ctr)):
            yield f"func of {where} is {Address(func)}"
    if walked.missing is not None:
        yield str(walked.missing)


def _line(finding: Finding | Unknown) -> str:
    if isinstance(finding, Unknown):
        return str(finding)
    return f"{finding.subject}: {finding.evidence}"


def _hop(hop: Hop | Unknown) -> str:
    if isinstance(hop, Unknown):
        return str(hop)
    return ": ".join(filter(None, (f"{hop.kind} {hop.address}", str(hop.bytes), hop.what)))


def _verdict(registers: Registers, caller: str, found: list[str]) -> Verdict:
    return Verdict(
        blame="caused",
        id=WILD_BRANCH.id,
        what=(
            "Live patching or tracing caused this crash.",
            f"{caller} led to {registers.nip}, where no text is.",
        ),
        proof=(
            f"NIP = {registers.nip}, which is no text; LR = {registers.link}, behind the call;"
            f" CTR = {registers.ctr}",
            *found,
        ),
        now=WILD_BRANCH.action,
    )
