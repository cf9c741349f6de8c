# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether each klp_func names the global entry point of a function."""

import pytest

from klp_debug.analysis.audit.entry_points import entered_elsewhere, entry_findings
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel
from tests.support.findings import not_checked, only, told
from tests.support.kernel_structs import Build


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    function = made.function("f", "scsi_common")
    made.patch("first", function)
    made.patch("second", function)
    return made


def test_global_entry_points(kernel: FakeKernel) -> None:
    kernel.patch("empty", nops=(kernel.functions["f"],), replace=True)
    view = kernel.view()
    assert list(entry_findings(view)) == []
    assert view.problems.all() == ()


@pytest.mark.parametrize("number", [0, 1])
def test_the_local_entry_point_where_no_toc_is_set_up(kernel: FakeKernel, number: int) -> None:
    """Also of one that is overridden: it runs once the patches above it are gone."""
    patch = kernel.patches[number]
    func, replacement = patch.funcs["f"], patch.replacements["f"]
    func["new_func"] = replacement.local_entry
    finding = only(entry_findings(kernel.view()))
    assert (finding.id, finding.subject) == ("replacement-wrong-entry", "f [scsi_common]")
    assert finding.evidence == (
        f"new_func of {patch.name}'s klp_func at {func.address:#x} is"
        f" {replacement.local_entry:#x}, {patch.name}_f+0x8 [{patch.name}]"
    )


def test_an_address_in_no_symbol(kernel: FakeKernel) -> None:
    kernel.patches[0].funcs["f"]["new_func"] = 0xC00900000000F000
    assert only(entry_findings(kernel.view())).evidence.endswith("0xc00900000000f000, in no symbol")


def test_data(kernel: FakeKernel) -> None:
    data = kernel.struct_variable("data", "list_head", symbol=True)
    kernel.patches[0].funcs["f"]["new_func"] = data.address
    (found,) = entered_elsewhere(kernel.view())
    assert not isinstance(found, Unknown)
    stack, func = found
    assert stack.old_func == kernel.functions["f"].address
    assert func.value_() == kernel.patches[0].funcs["f"].address


def test_a_kernel_without_livepatch() -> None:
    assert list(entry_findings(FakeKernel(Build(livepatch=False)).view())) == []


def test_a_func_stack_that_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.patches[0].funcs["f"].lose()
    view = kernel.view()
    findings = list(entry_findings(view))
    assert told(findings) == []
    at = kernel.stacks["f"].struct.address
    (problem,) = view.problems.all()
    assert problem.where == f"func_stack of klp_ops {at:#x}"
    assert not_checked(findings) == [f"{problem.where}: {problem.what}"]
