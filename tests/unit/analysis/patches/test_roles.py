# SPDX-License-Identifier: GPL-2.0-or-later
"""What livepatch has to do with the function around an address."""

from klp_debug.analysis.patches.roles import PatchedFunctions, PatchedRole
from tests.support.fake_ftrace import FUNCTION_SIZE
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import Build


def test_originals_and_replacements() -> None:
    kernel = FakeKernel()
    function = kernel.function("f", "scsi_common")
    first, second = kernel.patch("first", function), kernel.patch("second", function)
    roles = PatchedFunctions(kernel.view())
    for offset in (0, 4, FUNCTION_SIZE - 4):
        assert roles.role_at(function.address + offset) == PatchedRole("original", "second")
        for patch in (first, second):
            at = patch.replacements["f"].address + offset
            assert roles.role_at(at) == PatchedRole("replacement", patch.name)
    assert roles.role_at(function.address + FUNCTION_SIZE) is None


def test_functions_that_nobody_patched() -> None:
    kernel = FakeKernel()
    kernel.patch("first", kernel.function("f"))
    other = kernel.function("g")
    roles = PatchedFunctions(kernel.view())
    assert roles.role_at(other.address) is None
    assert roles.role_at(0x1234) is None


def test_a_nop_has_no_replacement() -> None:
    kernel = FakeKernel()
    function = kernel.function("f")
    kernel.patch("first", function)
    kernel.patch("empty", nops=(function,), replace=True)
    roles = PatchedFunctions(kernel.view())
    assert roles.role_at(function.address) == PatchedRole("original", "empty")


def test_a_kernel_without_livepatch() -> None:
    kernel = FakeKernel(Build(livepatch=False))
    function = kernel.function("f")
    view = kernel.view()
    assert PatchedFunctions(view).role_at(function.address) is None
    assert view.problems.all() == ()


def test_a_patch_whose_name_cannot_be_read_costs_no_other() -> None:
    kernel = FakeKernel()
    lost, kept = kernel.function("lost"), kernel.function("kept")
    kernel.patch("first", lost).struct.lose()
    kernel.patch("second", kept)
    view = kernel.view()
    roles = PatchedFunctions(view)
    assert roles.role_at(kept.address) == PatchedRole("original", "second")
    (problem,) = view.problems.all()
    assert problem.where == f"klp_ops {kernel.stacks['lost'].struct.address:#x}"
