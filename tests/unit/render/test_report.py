# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``report``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.common import Problem
from klp_debug.result.report import AuditSummary, CrashFacts
from klp_debug.result.unknown import Unknown
from tests.support.answers.page import PAGE
from tests.support.answers.report import CRASH, NO_CPU, NO_CRASH, REGISTERS, SEED, UNKNOWN
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden

UNREAD = Unknown("notes: are cut")


def test_health(golden: Golden) -> None:
    golden("report", "empty", as_text(NO_CRASH))
    assert NO_CRASH.clean


def test_a_crash_by_live_patching(golden: Golden) -> None:
    golden("report", "ordinary", as_text(SEED))
    assert not SEED.clean


def test_everything_there_is(golden: Golden) -> None:
    """A stack, patches, and findings of two kinds; the log is on the page alone."""
    golden("report", "everything", as_text(PAGE.report))


def test_registers_that_are_not_known(golden: Golden) -> None:
    crash = CrashFacts(message=None, cpu=1, registers=UNREAD, trace=UNREAD, log=(UNREAD,))
    answer = dataclasses.replace(SEED, crash=crash, problems=(Problem("notes", "are cut"),))
    golden("report", "problems", as_text(answer))


def test_registers_as_qemu_saves_them(golden: Golden) -> None:
    """Without what the interrupt was, and with none of what it left."""
    registers = dataclasses.replace(
        REGISTERS, trap=None, dar=None, dsisr=None, cfar=None, saved_by="QEMU"
    )
    crash = dataclasses.replace(CRASH, registers=registers)
    audit = AuditSummary(sites=15298, armed=3, findings=1)
    answer = dataclasses.replace(SEED, crash=crash, transition=None, waiting=0, audit=audit)
    golden("report", "registers-of-qemu", as_text(answer))


def test_hostile_names(golden: Golden) -> None:
    golden("report", "hostile-names", as_text(with_names(PAGE.report, HOSTILE)))


def test_long_names(golden: Golden) -> None:
    """Prose is folded, and evidence, which is searched for, is not."""
    verdict = dataclasses.replace(
        SEED.verdict,
        what=(f"{LONG} is live-patched.", f"{LONG} is a leaf. " * 3),
        proof=(f"{LONG}+0x4: {', '.join(['bl to a stub'] * 12)}",),
        why="Old kernels build such stubs. " * 5,
    )
    golden("report", "long-names", as_text(dataclasses.replace(SEED, verdict=verdict)))


def test_a_crash_elsewhere_is_fine_for_live_patching() -> None:
    verdict = dataclasses.replace(NO_CRASH.verdict, blame="not involved")
    assert dataclasses.replace(NO_CRASH, verdict=verdict).clean


def test_what_is_unknown(golden: Golden) -> None:
    golden("report", "unknown", as_text(UNKNOWN))
    assert not UNKNOWN.clean


def test_whether_it_crashed_is_unknown() -> None:
    assert f"CRASH    {UNKNOWN.transition}" in as_text(NO_CPU)
