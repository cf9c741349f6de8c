# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``report`` built by hand."""

import dataclasses

from klp_debug.result.address import Address
from klp_debug.result.common import Finding, Problem
from klp_debug.result.registers import Registers
from klp_debug.result.report import AuditSummary, CrashFacts, Report, Verdict
from klp_debug.result.unknown import AtLeast, Unknown
from tests.support.answers.bt import SLEEPER
from tests.support.answers.kernel import KERNEL

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
    refusals=(),
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
    cfar=Address(0xC0080000001201E4),
    saved_by="kernel",
)
CRASH = CrashFacts(message="Oops\x1b", cpu=1, registers=REGISTERS, trace=SLEEPER, log=())
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
    crash=CRASH,
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

UNREAD = Unknown("panic_cpu: page 0x3ee0000 is not in the dump")
_CANNOT_BE_TOLD = Verdict(
    blame="cannot be told",
    id=UNREAD,
    why=UNREAD,
    what=("Whether the kernel crashed cannot be told: panic_cpu: not in the dump.",),
    now="Get a dump that has what is missing.",
    checked=("at least 3 patches",),
)
UNKNOWN = dataclasses.replace(
    SEED,
    verdict=_CANNOT_BE_TOLD,
    crash=CrashFacts(message=UNREAD, cpu=UNREAD, registers=UNREAD, trace=UNREAD, log=(UNREAD,)),
    findings=(*SEED.findings, UNREAD),
    patches=(UNREAD,),
    transition=UNREAD,
    waiting=AtLeast(0, UNREAD.reason),
    audit=AuditSummary(
        sites=AtLeast(15298, UNREAD.reason),
        armed=AtLeast(3, UNREAD.reason),
        findings=AtLeast(1, UNREAD.reason),
    ),
    refusals=(UNREAD,),
    problems=(Problem("panic_cpu", "page 0x3ee0000 is not in the dump"),),
)
"""There was a crash, and nothing of it could be read."""
NO_CPU = dataclasses.replace(UNKNOWN, crash=UNREAD)
"""Whether there was one is unknown."""
