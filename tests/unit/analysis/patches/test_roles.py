# SPDX-License-Identifier: GPL-2.0-or-later
"""What livepatch has to do with the function around an address."""

from klp_debug.analysis.patches.roles import PatchedFunctions, PatchedRole
from tests.support.fake_ftrace import FUNCTION_SIZE
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import Build
from tests.support.sure import unread


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
    missing = unread(roles.role_at(lost.address))
    (problem,) = view.problems.all()
    assert problem.where == f"klp_ops {kernel.stacks['lost'].struct.address:#x}"
    assert missing.reason.startswith(f"{problem.where}: not in the dump")


def test_a_list_that_cannot_be_read() -> None:
    """Who else tells of a patch: ftrace of its original, the module of its replacement."""
    kernel = FakeKernel()
    function, other = kernel.function("f"), kernel.function("g")
    in_module = kernel.function("h", "scsi_common")
    patch = kernel.patch("first", function)
    kernel.memory.lose(kernel.klp_ops)
    view = kernel.view()
    roles = PatchedFunctions(view)
    for possible in (function.address, patch.replacements["f"].address + 4):
        missing = unread(roles.role_at(possible))
        assert missing.reason.startswith("list klp_ops: not in the dump")
    for impossible in (other.address, in_module.address, 0x1234):
        assert roles.role_at(impossible) is None


def test_a_stack_that_breaks_off() -> None:
    kernel = FakeKernel()
    function = kernel.function("f")
    first, second = kernel.patch("first", function), kernel.patch("second", function)
    first.funcs["f"].lose()
    roles = PatchedFunctions(kernel.view())
    assert roles.role_at(function.address) == PatchedRole("original", "second")
    assert roles.role_at(second.replacements["f"].address) == PatchedRole("replacement", "second")
    unread(roles.role_at(first.replacements["f"].address))


def test_an_address_whose_symbol_is_unknown() -> None:
    kernel = FakeKernel()
    patch = kernel.patch("first", kernel.function("f"))
    patch.module.kallsyms.lose()
    view = kernel.view()
    roles = PatchedFunctions(view)
    at = patch.replacements["f"].address
    assert roles.role_at(at) == unread(view.symbols.missing)


def retired(kernel: FakeKernel) -> int:
    """Take a patch off the list; return where a function of its module is."""
    patch = kernel.patch("gone", kernel.function("f"))
    kernel.link(kernel.klp_patches)
    kernel.link(kernel.klp_ops)
    return patch.replacements["f"].address


def test_code_of_a_patch_that_is_applied_no_more() -> None:
    kernel = FakeKernel()
    at = retired(kernel)
    assert PatchedFunctions(kernel.view()).role_at(at) == PatchedRole("retired", "gone")


def test_whether_it_is_applied_cannot_be_read() -> None:
    kernel = FakeKernel()
    at = retired(kernel)
    kernel.memory.lose(kernel.klp_patches)
    unread(PatchedFunctions(kernel.view()).role_at(at))
