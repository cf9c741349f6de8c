# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's log, as far as it can be read."""

from klp_debug.analysis.kernel_view import KernelView
from klp_debug.kernel.log import LogRecord, for_each_log_record


def log_records(view: KernelView) -> list[LogRecord]:
    """Return the records, the oldest first; what cannot be read becomes a problem of the view."""
    records: list[LogRecord] = []
    with view.problems.noting("log of the kernel"):
        records.extend(for_each_log_record(view.prog))
    return records
