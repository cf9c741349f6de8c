# SPDX-License-Identifier: GPL-2.0-or-later
"""Any answer as text: finds its view."""

from klp_debug.render.audit import audit_lines
from klp_debug.render.bt import trace_list_lines
from klp_debug.render.change import change_lines
from klp_debug.render.func import function_lines
from klp_debug.render.journal import journal_lines, status_lines
from klp_debug.render.list import patch_list_lines
from klp_debug.render.ops import ops_list_lines
from klp_debug.render.report import report_lines
from klp_debug.render.scan import scan_lines, scan_part_lines, scan_rest_lines
from klp_debug.render.site import site_lines
from klp_debug.render.transition import transition_lines
from klp_debug.result.audit import Audit
from klp_debug.result.bt import TraceList
from klp_debug.result.common import Answer
from klp_debug.result.control import Change, Journal, Status
from klp_debug.result.func import FuncReport
from klp_debug.result.list import PatchList
from klp_debug.result.ops import OpsList
from klp_debug.result.report import Report
from klp_debug.result.scan import Scan, ScanPart, ScanRest
from klp_debug.result.site import SiteReport
from klp_debug.result.transition import TransitionReport


def as_text(answer: Answer) -> str:
    """
    Return an answer as lines of text for a terminal.

    :raises TypeError: if it has no view
    """
    match answer:
        case PatchList():
            lines = patch_list_lines(answer)
        case FuncReport():
            lines = function_lines(answer)
        case Audit():
            lines = audit_lines(answer)
        case SiteReport():
            lines = site_lines(answer)
        case OpsList():
            lines = ops_list_lines(answer)
        case TraceList():
            lines = trace_list_lines(answer)
        case TransitionReport():
            lines = transition_lines(answer)
        case Change():
            lines = change_lines(answer)
        case Status():
            lines = status_lines(answer)
        case Journal():
            lines = journal_lines(answer)
        case Report():
            lines = report_lines(answer)
        case ScanPart():
            lines = scan_part_lines(answer)
        case ScanRest():
            lines = scan_rest_lines(answer)
        case Scan():
            lines = scan_lines(answer)
        case _:
            raise TypeError(f"no view for {type(answer).__name__}")
    return "\n".join(lines)
