# SPDX-License-Identifier: GPL-2.0-or-later
"""What stops a read becomes a line of the answer, once."""

from collections.abc import Iterator

import pytest
from drgn import FaultError, OutOfBoundsError

from klp_debug.analysis.view.problem_log import ProblemLog, reason
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.walk import WalkError
from klp_debug.result.common import Problem
from klp_debug.result.unknown import Unknown
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
def test_what_the_target_stops_is_unknown(error: Exception, what: str) -> None:
    def read(*addresses: int) -> int:
        raise error

    def entries() -> Iterator[int]:
        yield from (1, 2)
        raise error

    log = ProblemLog()
    why = Unknown(f"there: {what}")
    assert log.attempt("there", read, 0x1000) == why
    assert log.all() == (Problem("there", what),)
    assert log.walk("there", entries()) == Walked((1, 2), why)
    assert log.all() == (Problem("there", what),)


def test_what_can_be_read_is_no_problem() -> None:
    log = ProblemLog()
    assert log.attempt("there", lambda address, size: address + size, 1, size=2) == 3
    assert log.attempt("there", lambda: None) is None
    assert log.walk("there", iter((1, 2))) == Walked((1, 2), None)
    assert log.all() == ()


def test_a_problem_is_what_it_makes_unknown() -> None:
    assert ProblemLog().add("list klp_patches", "is cut") == Unknown("list klp_patches: is cut")


def test_an_object_that_this_kernel_has_not() -> None:
    with pytest.raises(LookupError) as caught:
        FakeKernel().prog["nosuch"]
    assert reason(caught.value) == "this kernel has no nosuch"


def test_a_structure_of_another_form() -> None:
    """drgn says by an AttributeError that it lacks a member; any other of its kind is ours."""
    log, module = ProblemLog(), FakeKernel().module("scsi_common").struct.object
    what = "this kernel's 'struct module' has no member 'nosuch'"
    assert log.attempt("there", lambda: module.nosuch) == Unknown(f"there: {what}")
    walked = log.walk("there", (getattr(module, name).value_() for name in ("state", "nosuch")))
    assert (tuple(walked), walked.missing) == ((0,), Unknown(f"there: {what}"))
    assert log.all() == (Problem("there", what),)


def test_an_error_of_ours_is_none_of_the_targets() -> None:
    log = ProblemLog()
    with pytest.raises(AttributeError):
        log.attempt("there", lambda: log.nosuch)  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        log.walk("there", (each.nosuch for each in [log]))  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError):
        log.attempt("there", lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        log.walk("there", (1 // number for number in (1, 0)))
    assert log.all() == ()
