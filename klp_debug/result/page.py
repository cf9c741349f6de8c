# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``report --html``: the report, and what the pictures of its page show."""

from dataclasses import dataclass

from klp_debug.result.common import Problem
from klp_debug.result.func import FuncReport
from klp_debug.result.report import Report
from klp_debug.result.transition import TransitionReport
from klp_debug.result.unknown import Number, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOffsets:
    """How many mcount sites of one dialect are at one place in their functions."""

    dialect: str
    toc_setup: bool
    """Whether these functions set up a TOC before their site; a leaf function does not."""
    offset: int | None
    """Bytes from the global entry point to the site; None where no symbol covers the site."""
    sites: Number
    armed: Number
    """How many of them are armed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """The answer of ``report --html``."""

    report: Report
    functions: tuple[FuncReport | Unknown, ...]
    """Each function that is on a func_stack, with its call chain; by address."""
    transition: TransitionReport | None
    """None in a kernel without livepatch."""
    offsets: tuple[SiteOffsets | Unknown, ...]
    """By dialect, then functions without and with TOC set-up, then by offset."""
    problems: tuple[Problem, ...]
    """What could not be read for the report or for the pictures."""

    @property
    def clean(self) -> bool:
        """Whether the report is: the page shows more, and judges nothing."""
        return self.report.clean
