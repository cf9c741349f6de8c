# SPDX-License-Identifier: GPL-2.0-or-later
"""What the target's memory says of what a journal holds."""

import pytest

from klp_debug.control.journal import JournalText, Operation
from klp_debug.control.recovery import Recovery, describe, plan_undo
from klp_debug.kernel.walk import WalkError
from klp_debug.result.address import Address
from klp_debug.result.control import PlannedWrite, WriteState
from klp_debug.result.list import Mechanism
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel


@pytest.fixture
def kernel() -> FakeKernel:
    """A kernel whose function ``f`` two patches replace, the second on top."""
    made = FakeKernel()
    made.symbol("ftrace_stub", made.address("_stext"))
    function = made.function("f")
    made.patch("first", function)
    made.patch("second", function)
    return made


def write(kernel: FakeKernel, address: int, mechanism: Mechanism = "ops") -> PlannedWrite:
    """Return what switches ``f`` of the first patch off."""
    size = 1 if mechanism == "nop" else 8
    return PlannedWrite(
        address=Address(address),
        what="a field",
        function="f",
        patch="first",
        mechanism=mechanism,
        size=size,
        old=Address(0 if mechanism == "nop" else kernel.handler.address),
        new=Address(1 if mechanism == "nop" else kernel.address("ftrace_stub")),
        old_means="on",
        new_means="off",
        why="it is off",
    )


def operation(number: int, *writes: PlannedWrite) -> Operation:
    return Operation(
        number=number,
        action="disarm",
        patch="first",
        undoes=(),
        time="2026-01-01T00:00:00.000+00:00",
        forced=(),
        writes=writes,
        end="done",
    )


def ops_func(kernel: FakeKernel) -> int:
    return kernel.stacks["f"].ops.struct.at("func")


def hold(kernel: FakeKernel) -> None:
    """Hold the whole func_stack disarmed."""
    kernel.stacks["f"].ops.struct["func"] = kernel.address("ftrace_stub")


def test_an_ops_is_the_functions_whatever_patch_it_was_written_for(kernel: FakeKernel) -> None:
    hold(kernel)
    recovery = Recovery(kernel.view())
    held = write(kernel, ops_func(kernel))
    assert recovery.state(held) == "held"
    found = recovery.function(held)
    assert found is not None
    assert found.patch == "second"


def test_an_ops_that_was_made_anew_elsewhere_holds_nothing(kernel: FakeKernel) -> None:
    hold(kernel)
    assert Recovery(kernel.view()).state(write(kernel, ops_func(kernel) + 0x1000)) == "gone"


def test_a_klp_func_is_its_patchs(kernel: FakeKernel) -> None:
    own, other = (patch.funcs["f"].at("nop") for patch in kernel.patches)
    recovery = Recovery(kernel.view())
    assert recovery.state(write(kernel, own, "nop")) == "as before"
    assert recovery.state(write(kernel, other, "nop")) == "gone"


def test_undo_takes_back_what_is_left_and_closes_what_is_not(kernel: FakeKernel) -> None:
    hold(kernel)
    left, gone = write(kernel, ops_func(kernel)), write(kernel, ops_func(kernel) + 0x1000)
    text = JournalText([operation(1, left), operation(2, gone)])
    plan = plan_undo(kernel.view(), text, everything=False)
    assert [one.address for one in plan.writes] == [left.address]
    assert (sorted(plan.undoes), plan.nothing_left, plan.refusal) == ([1, 2], False, None)


def test_undo_of_what_is_gone_says_so(kernel: FakeKernel) -> None:
    text = JournalText([operation(1, write(kernel, ops_func(kernel) + 0x1000))])
    plan = plan_undo(kernel.view(), text, everything=False)
    assert (plan.writes, plan.undoes, plan.nothing_left) == ((), (1,), True)


def test_undo_of_what_somebody_took_back_has_nothing_to_do(kernel: FakeKernel) -> None:
    text = JournalText([operation(1, write(kernel, ops_func(kernel)))])
    plan = plan_undo(kernel.view(), text, everything=False)
    assert (plan.writes, plan.undoes, plan.nothing_left) == ((), (1,), False)


def test_undo_refuses_by_name_what_another_journal_holds(kernel: FakeKernel) -> None:
    hold(kernel)
    plan = plan_undo(kernel.view(), JournalText(), everything=True)
    assert plan.refusal is not None
    assert plan.refusal.startswith("f: held disarmed by ops, and not by this journal;")
    assert "klp-debug arm second" in plan.refusal


def test_undo_names_it_beside_what_it_takes_back(kernel: FakeKernel) -> None:
    kernel.patches[1].funcs["f"]["nop"] = 1
    own = write(kernel, kernel.patches[0].funcs["f"].at("nop"), "nop")
    kernel.patches[0].funcs["f"]["nop"] = 1
    plan = plan_undo(kernel.view(), JournalText([operation(1, own)]), everything=False)
    assert (plan.writes, plan.refusal) == ((own.reverse,), None)
    assert [line.split(",")[0] for line in plan.skipped] == ["f: held disarmed by nop"]


def test_undo_rests_on_lists_that_are_read_whole(kernel: FakeKernel) -> None:
    kernel.stacks["f"].struct.lose()
    text = JournalText([operation(1, write(kernel, ops_func(kernel)))])
    with pytest.raises(WalkError):
        plan_undo(kernel.view(), text, everything=False)


UNREAD = Unknown("page 0x1000 is not in the dump")


@pytest.mark.parametrize(
    ("states", "in_force"),
    [
        (["held"], True),
        (["changed", UNREAD], True),
        (["as before", "gone"], False),
        (["gone", UNREAD], UNREAD),
    ],
)
def test_an_operation_is_in_force_as_long_as_something_of_it_is_left(
    kernel: FakeKernel, states: list[WriteState | Unknown], in_force: bool | Unknown
) -> None:
    one = operation(1, *(write(kernel, number) for number in range(len(states))))
    assert describe(one, JournalText([one]), states).in_force == in_force
