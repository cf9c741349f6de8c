# SPDX-License-Identifier: GPL-2.0-or-later
"""What stops a read becomes a line of the answer, once."""

import pytest
from drgn import FaultError, OutOfBoundsError

from klp_debug.analysis.view.problem_log import ProblemLog, reason
from klp_debug.kernel.walk import WalkError
from klp_debug.result.common import Problem
from tests.support.fake_view import FakeKernel


def test_in_the_order_they_were_met_each_once() -> None:
    log = ProblemLog()
    log.add("b", "gone")
    log.extend([Problem("a", "gone"), Problem("b", "gone")])
    log.add("b", "other")
    assert log.all() == (Problem("b", "gone"), Problem("a", "gone"), Problem("b", "other"))


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (FaultError("not in the dump", 0x1000), "not in the dump: 0x1000"),
        (WalkError("list runs in a cycle"), "list runs in a cycle"),
        (OutOfBoundsError("out of bounds"), "out of bounds"),
        (KeyError("klp_ops"), "this kernel has no klp_ops"),
    ],
)
def test_goes_on_behind_what_the_target_stops(error: Exception, what: str) -> None:
    log = ProblemLog()
    with log.noting("there"):
        raise error
    assert log.all() == (Problem("there", what),)


def test_an_object_that_this_kernel_has_not() -> None:
    with pytest.raises(LookupError) as caught:
        FakeKernel().prog["nosuch"]
    assert reason(caught.value) == "this kernel has no nosuch"


def test_an_error_of_ours_is_none_of_the_targets() -> None:
    log = ProblemLog()
    with pytest.raises(ZeroDivisionError), log.noting("there"):
        raise ZeroDivisionError
    assert log.all() == ()
