# SPDX-License-Identifier: GPL-2.0-or-later
"""A view of a dump is kept while it has no problem of its own; that of a running kernel never."""

import dataclasses

from klp_debug.analysis.view.view_cache import view_of
from klp_debug.result.common import Problem
from klp_debug.targets.host_program import remember_target
from tests.support.fake_view import FakeKernel


def test_of_a_dump_it_is_kept() -> None:
    kernel = FakeKernel()
    remember_target(kernel.target())
    first = view_of(kernel.prog)
    assert first.target.prog is kernel.prog
    assert view_of(kernel.prog) is first


def test_not_once_it_met_a_problem() -> None:
    kernel = FakeKernel()
    remember_target(kernel.target())
    first = view_of(kernel.prog)
    first.problems.add("text of f", "cannot be read")
    second = view_of(kernel.prog)
    assert second is not first
    assert second.problems.all() == ()


def test_what_opening_could_not_do_is_none_of_an_answer() -> None:
    kernel = FakeKernel()
    problem = Problem("modules", "could not be loaded")
    remember_target(dataclasses.replace(kernel.target(), problems=[problem]))
    first = view_of(kernel.prog)
    assert first.problems.all() == (problem,)
    assert view_of(kernel.prog) is first


def test_of_a_running_kernel_it_is_not() -> None:
    kernel = FakeKernel()
    remember_target(dataclasses.replace(kernel.target(), core=None))
    assert view_of(kernel.prog) is not view_of(kernel.prog)
