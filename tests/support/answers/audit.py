# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``audit`` built by hand."""

from klp_debug.result.audit import Audit, Count, Offsets, StubCount
from klp_debug.result.common import Finding
from tests.support.answers.kernel import KERNEL

FINE = Audit(
    kernel=KERNEL,
    sites=15298,
    read=15298,
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


def finding(subject: str, evidence: str, id_: str = "site-record-mismatch") -> Finding:
    return Finding(
        id=id_,
        severity="error",
        subject=subject,
        evidence=evidence,
        meaning="Meant.",
        action="Do it.",
    )
