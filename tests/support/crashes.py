# SPDX-License-Identifier: GPL-2.0-or-later
"""What else a dump says of its crash, to compare with what a guest did."""

from collections.abc import Sequence

from drgn import Program

from klp_debug.kernel.log import LogRecord, oops_reports
from klp_debug.kernel.panic import SYSRQ

_TAINT_DIE = 7


def has_oopsed(prog: Program) -> bool:
    """
    Return whether the kernel oopsed since it booted, whatever came of it (``TAINT_DIE``).

    :raises drgn.FaultError, LookupError: if it cannot be told
    """
    return bool(prog["tainted_mask"].value_() >> _TAINT_DIE & 1)


def asked_for(records: Sequence[LogRecord]) -> bool:
    """
    Return whether somebody asked for the crash, by sysrq.

    sysrq calls panic() for that in newer kernels; older ones let an oops of their own do it.
    """
    reports = oops_reports(records)
    if not reports:
        return any(record.text in SYSRQ for record in records)
    first = reports[-1][0]
    before = [record.text for record in records[: records.index(first)]]
    return before[-1:] != [] and before[-1] in SYSRQ
