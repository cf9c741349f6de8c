# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``report`` as text."""

import textwrap
from collections.abc import Iterable

from klp_debug.render.audit import finding_lines
from klp_debug.render.bt import task_lines
from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.list import patch_table_lines
from klp_debug.render.refusal import refusal_lines
from klp_debug.render.terminal import escape
from klp_debug.render.unknown import cell, counted, unknown_line
from klp_debug.result.registers import Registers
from klp_debug.result.report import CrashFacts, Report, Verdict
from klp_debug.result.unknown import Unknown

_READABLE = 100
_INDENT = " " * 9


def report_lines(answer: Report) -> list[str]:
    """Return the verdict first, then what it rests on."""
    return [
        *kernel_lines(answer.kernel, answer.transition),
        "",
        *_verdict(answer.verdict),
        *_crash(answer.crash),
        *finding_lines(answer.findings),
        "",
        *patch_table_lines(answer.patches),
        _transition(answer),
        _audit(answer),
        *refusal_lines(answer.refusals),
        *problem_lines(answer.problems),
    ]


def _verdict(verdict: Verdict) -> list[str]:
    first, *rest = verdict.what
    name = f"  [{verdict.id}]" if isinstance(verdict.id, str) else ""
    return [
        f"VERDICT  {escape(first)}{name}",
        *(line for sentence in rest for line in _folded("", sentence)),
        *_block("PROOF", verdict.proof),
        *(["", *_folded("WHY", verdict.why)] if isinstance(verdict.why, str) else []),
        *(["", *_folded("NOW", verdict.now)] if isinstance(verdict.now, str) else []),
        *_block("CHECKED", verdict.checked),
    ]


def _folded(title: str, text: str) -> list[str]:
    return textwrap.wrap(
        escape(text),
        _READABLE,
        initial_indent=f"{title:9}",
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _block(title: str, rows: Iterable[str]) -> list[str]:
    """Return lines that are not folded: evidence is searched for."""
    lines = [f"{title if not number else '':9}{escape(row)}" for number, row in enumerate(rows)]
    return ["", *lines] if lines else []


def _crash(crash: CrashFacts | Unknown | None) -> list[str]:
    if crash is None:
        return []
    if isinstance(crash, Unknown):
        return ["", f"CRASH    {escape(str(crash))}"]
    message = "the log does not tell" if crash.message is None else str(crash.message)
    if isinstance(crash.trace, Unknown):
        trace = [f"{_INDENT}{unknown_line('its stack', crash.trace)}"]
    else:
        trace = ["", *task_lines(crash.trace)]
    return [
        "",
        f"CRASH    {escape(message)}",
        *_registers(crash.registers, crash.cpu),
        *trace,
    ]


def _registers(registers: Registers | Unknown, cpu: int | Unknown) -> list[str]:
    if isinstance(registers, Unknown):
        return [f"{_INDENT}CPU {cell(cpu)}; its registers are {registers}"]
    gpr = registers.gpr
    trap = f"  TRAP {int(registers.trap):04x}" if registers.trap is not None else ""
    dar = f"  DAR {registers.dar.bare}" if registers.dar is not None else ""
    cfar = f"  CFAR {registers.cfar.bare}" if registers.cfar is not None else ""
    return [
        f"{_INDENT}CPU {cell(cpu)}  NIP {registers.nip.bare}  LR {registers.link.bare}"
        f"  CTR {registers.ctr.bare}{trap}{dar}",
        f"{_INDENT}r0 {gpr[0].bare}  r1 {gpr[1].bare}  r2 {gpr[2].bare}  r12 {gpr[12].bare}{cfar}",
    ]


def _transition(answer: Report) -> str:
    if answer.transition is None:
        return "no transition in progress"
    if isinstance(answer.transition, Unknown):
        return "whether a transition is in progress is unknown"
    waiting = counted(answer.waiting, "task has", "tasks have")
    return (
        f"a transition is in progress ({answer.transition}): {waiting} not switched;"
        " see `transition`"
    )


def _audit(answer: Report) -> str:
    audit = answer.audit
    findings = "no finding" if audit.findings == 0 else counted(audit.findings, "finding")
    return f"{audit.sites} mcount sites, {audit.armed} armed: {findings}"
