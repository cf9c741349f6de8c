# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``audit``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.audit import Audit, Count, ListedSite, Offsets, StubCount
from klp_debug.result.common import Finding, Problem
from tests.support.answers import HEAD, KERNEL

FINE = Audit(
    kernel=KERNEL,
    sites=15298,
    unread=0,
    without_symbol=155,
    dialects=(Count("mprofile-kernel (2 instructions)", 15298),),
    states=(Count("idle", 15295), Count("armed", 3)),
    offsets=(Offsets(False, 4, 1704), Offsets(True, 12, 13439)),
    stubs=(
        StubCount("finds its target through r2", 19),
        StubCount("finds its target through the paca's kernel TOC", 18),
    ),
    findings=(),
    listing=None,
    problems=(),
)
COUNTS = """\
dialect       15298  mprofile-kernel (2 instructions)
state         15295  idle
                  3  armed
offset         1704  +0x4, no TOC set-up before it
              13439  +0xc, behind the TOC set-up
                155  unknown: in no symbol (weak functions that the linker dropped)
module stubs     19  finds its target through r2
                 18  finds its target through the paca's kernel TOC"""


def finding(subject: str, evidence: str, id_: str = "site-record-mismatch") -> Finding:
    return Finding(
        id=id_,
        severity="error",
        subject=subject,
        evidence=evidence,
        meaning="Meant.",
        action="Do it.",
    )


def test_no_finding() -> None:
    assert as_text(FINE) == f"{HEAD}\nno finding in 15298 mcount sites\n\n{COUNTS}"


def test_a_kernel_without_toc_is_not_said_to_be_all_leaves() -> None:
    pcrel = dataclasses.replace(
        FINE,
        sites=19951,
        without_symbol=0,
        dialects=(Count("out-of-line", 19951),),
        states=(Count("idle", 19951),),
        offsets=(Offsets(False, 0, 19951),),
        stubs=(),
    )
    assert as_text(pcrel).splitlines()[-3:] == [
        "dialect  19951  out-of-line",
        "state    19951  idle",
        "offset   19951  +0x0, no TOC set-up before it",
    ]


def test_what_a_kind_means_is_said_once() -> None:
    """And a hostile name is escaped, in a subject as in evidence."""
    answer = dataclasses.replace(
        FINE,
        findings=(
            finding("cmdline_proc_show+0xc", "0xc0000000003042dc holds 0x60000000 (idle)"),
            finding("ftrace", "ftrace_disabled is 1", "ftrace-disabled"),
            finding("f+0x4 [\x1b[2J]", "0xc0080000001401e4 holds \x07"),
        ),
    )
    assert (
        as_text(answer)
        == f"""\
{HEAD}
3 findings in 15298 mcount sites

error: site-record-mismatch, 2 times
    cmdline_proc_show+0xc  0xc0000000003042dc holds 0x60000000 (idle)
    f+0x4 [\\x1b[2J]        0xc0080000001401e4 holds \\x07
    means  Meant.
    do     Do it.

error: ftrace-disabled
    ftrace  ftrace_disabled is 1
    means  Meant.
    do     Do it.

{COUNTS}"""
    )


def test_prose_is_folded_and_evidence_is_not() -> None:
    one = finding("f", "word " * 40 + "end")
    one = dataclasses.replace(one, meaning="eighteen letters. " * 8, action="x" * 120)
    text = as_text(dataclasses.replace(FINE, findings=(one,))).splitlines()
    start = text.index("error: site-record-mismatch")
    assert text[start + 1] == "    f  " + "word " * 40 + "end"
    # 11 of indent and 5 times 18 are 101, but the last blank need not fit.
    assert text[start + 2] == "    means  " + " ".join(["eighteen letters."] * 5)
    assert text[start + 3] == "           " + " ".join(["eighteen letters."] * 3)
    assert text[start + 4 : start + 6] == ["    do     " + "x" * 120, ""]


def test_unreadable_sites_and_problems() -> None:
    answer = dataclasses.replace(
        FINE, unread=2, findings=(finding("f", "e"),), problems=(Problem("f+0x4", "is gone"),)
    )
    text = as_text(answer)
    assert "\n1 finding in 15298 mcount sites, 2 of them unreadable\n" in text
    assert text.endswith(f"{COUNTS}\n\nproblems\n    f+0x4: is gone")


def test_nothing_could_be_read() -> None:
    nothing = Audit(
        kernel=KERNEL,
        sites=0,
        unread=0,
        without_symbol=0,
        dialects=(),
        states=(),
        offsets=(),
        stubs=(),
        findings=(),
        listing=None,
        problems=(Problem("ftrace records", "cannot be read"),),
    )
    assert (
        as_text(nothing)
        == f"""\
{HEAD}
no finding in 0 mcount sites

problems
    ftrace records: cannot be read"""
    )


def test_listing() -> None:
    def site(address: int, **told: object) -> ListedSite:
        idle = ListedSite(
            address=Address(address),
            function=None,
            module=None,
            offset=None,
            dialect="mprofile-kernel (2 instructions)",
            state="idle",
            users=0,
            flags=(),
            letters="",
        )
        return dataclasses.replace(idle, **told)  # type: ignore[arg-type]

    answer = dataclasses.replace(
        FINE,
        listing=(
            site(0xC0000000003042DC, function="cmdline_proc_show", offset=12),
            site(0xC000000000400000),
            site(
                0xC0080000001401E4,
                function="int_to_scsilun",
                module="scsi_common",
                offset=4,
                state="armed",
                users=1,
                flags=("ENABLED", "IPMODIFY"),
                letters="I",
            ),
        ),
    )
    listing = """\

SITE              STATE  USERS  FLAGS             FUNCTION
c0000000003042dc  idle   0      -                 cmdline_proc_show+0xc
c000000000400000  idle   0      -                 -
c0080000001401e4  armed  1      ENABLED IPMODIFY  int_to_scsilun+0x4 [scsi_common]"""
    assert as_text(answer).endswith(f"{COUNTS}\n{listing}")
