# SPDX-License-Identifier: GPL-2.0-or-later
"""The functions that a transition looks for on the stacks."""

import pytest

from klp_debug.analysis.patches.under_way import UnderWay
from klp_debug.analysis.tasks.blockers import Blocker, blockers
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.livepatch import KLP_PATCHED
from tests.support.fake_ftrace import FUNCTION_SIZE
from tests.support.fake_view import FakeKernel

UNPATCHED = 1 - KLP_PATCHED


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.patch("first", made.function("f", "scsi_common"), made.function("g"))
    return made


def looked_for(kernel: FakeKernel, to: int) -> Walked[Blocker]:
    return blockers(kernel.view(), UnderWay(kernel.patches[-1].struct.object, to))


def whole(kernel: FakeKernel, *names: str) -> set[Blocker]:
    starts = [kernel.functions[name].address for name in names]
    return {Blocker(start, start + FUNCTION_SIZE) for start in starts}


def test_patching_it_is_the_originals(kernel: FakeKernel) -> None:
    found = looked_for(kernel, KLP_PATCHED)
    assert (set(found), found.missing) == (whole(kernel, "f", "g"), None)


def test_unpatching_it_is_the_replacements(kernel: FakeKernel) -> None:
    found = looked_for(kernel, UNPATCHED)
    assert (set(found), found.missing) == (whole(kernel, "first_f", "first_g"), None)


def test_above_another_patch_it_is_that_ones(kernel: FakeKernel) -> None:
    kernel.patch("second", kernel.functions["f"])
    found = looked_for(kernel, KLP_PATCHED)
    assert (set(found), found.missing) == (whole(kernel, "first_f"), None)


def test_of_an_object_that_is_not_patched_there_are_none(kernel: FakeKernel) -> None:
    kernel.patches[0].objects["scsi_common"]["patched"] = 0
    assert set(looked_for(kernel, KLP_PATCHED)) == whole(kernel, "g")


def test_a_function_that_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.patches[0].funcs["f"].lose()
    found = looked_for(kernel, UNPATCHED)
    assert set(found) == whole(kernel, "first_g")
    assert found.missing is not None


def test_an_object_that_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.patches[0].objects["vmlinux"].lose()
    found = looked_for(kernel, UNPATCHED)
    assert set(found) == whole(kernel, "first_f")
    assert found.missing is not None


def test_what_is_below_cannot_be_read(kernel: FakeKernel) -> None:
    """The original may be on the stack, if it is the version of the patch below that runs."""
    below = kernel.patches[0].funcs["f"]
    kernel.patch("second", kernel.functions["f"])
    below.lose()
    found = looked_for(kernel, KLP_PATCHED)
    assert (set(found), found.missing is None) == (set(), False)


def test_the_func_stacks_cannot_be_read(kernel: FakeKernel) -> None:
    """Unpatching, nobody asks what is below."""
    for stack in kernel.stacks.values():
        stack.struct.lose()
    assert looked_for(kernel, KLP_PATCHED).missing is not None
    assert looked_for(kernel, UNPATCHED).missing is None
