# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines that every answer has."""

import dataclasses

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.result.common import Problem
from tests.support.answers.kernel import HEAD, KERNEL


def test_head() -> None:
    assert "\n".join([*kernel_lines(KERNEL), ""]) == HEAD


def test_hostile_release() -> None:
    (first, _) = kernel_lines(dataclasses.replace(KERNEL, release="6.1\x1b[2J", page_size=4096))
    assert first.startswith("Linux 6.1\\x1b[2J ppc64le, radix MMU, 4K pages,")


def test_a_kernel_without_toc() -> None:
    (first, _) = kernel_lines(dataclasses.replace(KERNEL, dialect="out-of-line", pcrel=True))
    assert first.endswith(", call sites: out-of-line, no TOC (pcrel)")


def test_no_problem_is_not_mentioned() -> None:
    assert problem_lines(()) == []


def test_problems() -> None:
    problems = (
        Problem("klp_patch leaf_patch", "cannot be read: address 0x0"),
        Problem("list of modules", "runs in a cycle\n"),
    )
    assert problem_lines(problems) == [
        "",
        "problems",
        "    klp_patch leaf_patch: cannot be read: address 0x0",
        "    list of modules: runs in a cycle\\n",
    ]
