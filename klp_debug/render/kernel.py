# SPDX-License-Identifier: GPL-2.0-or-later
"""The two lines that head every answer, and the problems that end it."""

from klp_debug.render.terminal import escape
from klp_debug.result.common import Problem
from klp_debug.result.kernel import Kernel


def kernel_lines(kernel: Kernel) -> list[str]:
    """Return which kernel an answer is about."""
    no_toc = ", no TOC (pcrel)" if kernel.pcrel else ""
    return [
        f"Linux {escape(kernel.release)} ppc64le, {kernel.mmu} MMU,"
        f" {kernel.page_size // 1024}K pages, call sites: {kernel.dialect}{no_toc}",
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
