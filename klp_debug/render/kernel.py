# SPDX-License-Identifier: GPL-2.0-or-later
"""The two lines that head every answer, and the problems that end it."""

from klp_debug.render.terminal import escape
from klp_debug.result.common import Problem
from klp_debug.result.kernel import Kernel
from klp_debug.result.unknown import Unknown


def kernel_lines(kernel: Kernel, transition: object = None) -> list[str]:
    """
    Return which kernel an answer is about.

    :param transition: that under way, or why it is not known; None for none
    """
    mark = "" if transition is None else " [TRANSITION]"
    if isinstance(transition, Unknown):
        mark = " [TRANSITION unknown]"
    no_toc = ", no TOC (pcrel)" if kernel.pcrel else ""
    no_livepatch = "" if kernel.livepatch else ", built without CONFIG_LIVEPATCH"
    return [
        f"Linux {escape(kernel.release)} ppc64le{mark}, {kernel.mmu} MMU,"
        f" {kernel.page_size // 1024}K pages, call sites: {kernel.dialect}{no_toc}{no_livepatch}",
        kernel.source,
    ]


def problem_lines(problems: tuple[Problem, ...]) -> list[str]:
    """Return what could not be read, a line each; nothing if all could."""
    if not problems:
        return []
    return [
        "",
        "problems",
        *(f"    {escape(problem.where)}: {escape(problem.what)}" for problem in problems),
    ]
