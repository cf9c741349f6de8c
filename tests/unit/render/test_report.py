# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``report``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.common import Finding
from klp_debug.result.registers import Registers
from klp_debug.result.report import AuditSummary, CrashFacts, Report, Verdict
from tests.support.answers import HEAD, KERNEL

NO_CRASH = Report(
    kernel=KERNEL,
    verdict=Verdict(
        blame="no crash",
        id=None,
        what=("The kernel did not crash.",),
        proof=(),
        why=None,
        now=None,
        checked=("one thing", "another"),
    ),
    crash=None,
    findings=(),
    patches=(),
    transition=None,
    waiting=0,
    audit=AuditSummary(sites=15298, armed=3, findings=0),
    problems=(),
)
REGISTERS = Registers(
    cpu=1,
    gpr=tuple(Address(number) for number in range(32)),
    nip=Address(0),
    msr=Address(0x8000000040009033),
    ctr=Address(0),
    link=Address(0xC0080000001201E8),
    xer=Address(0),
    ccr=Address(0x24002802),
    trap=Address(0x400),
    dar=Address(0),
    dsisr=Address(0x40000000),
    saved_by="kernel",
)
SEED = dataclasses.replace(
    NO_CRASH,
    verdict=Verdict(
        blame="caused",
        id="toc-stub-on-leaf",
        what=("Live patching caused this crash.", "int_to_scsilun is a leaf."),
        proof=("r2 = 1", "so it goes to 0x0"),
        why="Old kernels build such stubs.",
        now="Disable the patch.",
        checked=(),
    ),
    crash=CrashFacts(message="Oops\x1b", cpu=1, registers=REGISTERS, trace=None, log=()),
    findings=(
        Finding(
            id="toc-stub-on-leaf",
            severity="error",
            subject="f+0x4",
            evidence="stub",
            meaning="Meant.",
            action="Do it.",
        ),
    ),
    transition="patching",
    waiting=2,
)


def test_health() -> None:
    assert (
        as_text(NO_CRASH)
        == f"""\
{HEAD}
VERDICT  The kernel did not crash.

CHECKED  one thing
         another

no transition in progress
15298 mcount sites, 3 armed: no finding"""
    )
    assert NO_CRASH.clean


def test_a_crash_by_live_patching() -> None:
    assert (
        as_text(SEED)
        == f"""\
{HEAD}
VERDICT  Live patching caused this crash.  [toc-stub-on-leaf]
         int_to_scsilun is a leaf.

PROOF    r2 = 1
         so it goes to 0x0

WHY      Old kernels build such stubs.

NOW      Disable the patch.

CRASH    Oops\\x1b
         CPU 1  NIP 0000000000000000  LR c0080000001201e8  CTR 0000000000000000  TRAP 0400\
  DAR 0000000000000000
         r0 0000000000000000  r1 0000000000000001  r2 0000000000000002  r12 000000000000000c

error: toc-stub-on-leaf
    f+0x4  stub
    means  Meant.
    do     Do it.

a transition is in progress (patching): 2 tasks have not switched; see `transition`
15298 mcount sites, 3 armed: no finding"""
    )
    assert not SEED.clean


def test_registers_that_are_not_known() -> None:
    crash = CrashFacts(message=None, cpu=1, registers=None, trace=None, log=())
    lines = as_text(dataclasses.replace(NO_CRASH, crash=crash)).splitlines()
    at = lines.index("CRASH    the log does not tell")
    assert lines[at + 1] == "         CPU 1; its registers are not known"


def test_a_crash_elsewhere_is_fine_for_live_patching() -> None:
    verdict = dataclasses.replace(NO_CRASH.verdict, blame="not involved")
    assert dataclasses.replace(NO_CRASH, verdict=verdict).clean
