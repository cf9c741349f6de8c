# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``report`` as text."""

import textwrap
from collections.abc import Iterable

from klp_debug.render.audit import finding_lines
from klp_debug.render.bt import task_lines
from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.list import patch_table_lines
from klp_debug.render.terminal import escape
from klp_debug.result.registers import Registers
from klp_debug.result.report import CrashFacts, Report, Verdict
from klp_debug.result.text import plural

_READABLE = 100
_INDENT = " " * 9


def report_lines(answer: Report) -> list[str]:
    """Return the verdict first, then what it rests on."""
    return [
        *kernel_lines(answer.kernel),
        "",
        *_verdict(answer.verdict),
        *(_crash(answer.crash) if answer.crash is not None else []),
        *finding_lines(answer.findings),
        "",
        *patch_table_lines(answer.patches),
        _transition(answer),
        _audit(answer),
        *problem_lines(answer.problems),
    ]


def _verdict(verdict: Verdict) -> list[str]:
    first, *rest = verdict.what
    name = f"  [{verdict.id}]" if verdict.id is not None else ""
    return [
        f"VERDICT  {escape(first)}{name}",
        *(line for sentence in rest for line in _folded("", sentence)),
        *_block("PROOF", verdict.proof),
        *(["", *_folded("WHY", verdict.why)] if verdict.why is not None else []),
        *(["", *_folded("NOW", verdict.now)] if verdict.now is not None else []),
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


def _crash(crash: CrashFacts) -> list[str]:
    message = crash.message if crash.message is not None else "the log does not tell"
    return [
        "",
        f"CRASH    {escape(message)}",
        *_registers(crash.registers, crash.cpu),
        *(["", *task_lines(crash.trace)] if crash.trace is not None else []),
    ]


def _registers(registers: Registers | None, cpu: int) -> list[str]:
    if registers is None:
        return [f"{_INDENT}CPU {cpu}; its registers are not known"]
    gpr = registers.gpr
    trap = f"  TRAP {int(registers.trap):04x}" if registers.trap is not None else ""
    dar = f"  DAR {registers.dar.bare}" if registers.dar is not None else ""
    return [
        f"{_INDENT}CPU {cpu}  NIP {registers.nip.bare}  LR {registers.link.bare}"
        f"  CTR {registers.ctr.bare}{trap}{dar}",
        f"{_INDENT}r0 {gpr[0].bare}  r1 {gpr[1].bare}  r2 {gpr[2].bare}  r12 {gpr[12].bare}",
    ]


def _transition(answer: Report) -> str:
    if answer.transition is None:
        return "no transition in progress"
    return (
        f"a transition is in progress ({answer.transition}): {answer.waiting} tasks have not"
        " switched; see `transition`"
    )


def _audit(answer: Report) -> str:
    audit = answer.audit
    findings = plural(audit.findings, "finding") if audit.findings else "no finding"
    return f"{audit.sites} mcount sites, {audit.armed} armed: {findings}"
