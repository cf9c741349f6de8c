# SPDX-License-Identifier: GPL-2.0-or-later
"""What takes operations of the journal back."""

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.journal import JournalText
from klp_debug.control.plan import Plan
from klp_debug.control.recovery import Recovery


def plan_undo(view: KernelView, text: JournalText, *, everything: bool) -> Plan:
    """
    Plan that what was cut short is as if it had never begun; else that the last operation is.

    :param everything: whether to take back all operations
    :raises WalkError, drgn.FaultError: where the kernel's structures cannot be read
    """
    entries = list(text.unfinished)
    if everything:
        entries = sorted({*entries, *text.in_force}, key=lambda entry: entry.number)
    elif not entries:
        entries = text.in_force[-1:]
    plan = Recovery(view).plan_to_end(entries)
    # What an operation was to take back, which is now brought to its end, is taken back as well.
    more = [number for entry in entries for number in entry.undoes]
    return Plan(
        plan.writes,
        plan.switches,
        plan.skipped,
        plan.refusal,
        tuple(dict.fromkeys([*plan.undoes, *more])),
    )
