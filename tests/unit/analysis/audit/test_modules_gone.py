# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the module of each patch is still there: its klp_func is the module's data."""

import pytest

from klp_debug.analysis.audit.modules_gone import gone_findings
from tests.support.fake_view import FakeKernel
from tests.support.findings import not_checked, only, told
from tests.support.kernel_structs import Build


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.variable("__vmalloc_start", "unsigned long", 0xC008000000000000)
    made.variable("__vmalloc_end", "unsigned long", 0xC00A000000000000)
    made.patch("first", made.function("f", "scsi_common"))
    made.patch("second", made.function("g"))
    return made


def test_all_there(kernel: FakeKernel) -> None:
    view = kernel.view()
    assert list(gone_findings(view)) == []
    assert view.problems.all() == ()


def test_one_that_was_removed(kernel: FakeKernel) -> None:
    kernel.unload("first")
    name = int.from_bytes(b"first", "little")
    kernel.variable("last_unloaded_module", "struct module_name", name)
    finding = only(gone_findings(kernel.view()))
    assert (finding.id, finding.subject) == ("patch-module-gone", "f+0xc [scsi_common]")
    func, ops = kernel.patches[0].funcs["f"], kernel.stacks["f"].struct
    assert finding.evidence == (
        f"klp_func at {func.address:#x}, on top of klp_ops {ops.address:#x}, is in no module; the"
        " module removed last is first"
    )


def test_its_memory_may_be_gone_too(kernel: FakeKernel) -> None:
    kernel.unload("first")
    kernel.patches[0].funcs["f"].lose()
    finding = only(gone_findings(kernel.view()))
    assert finding.subject == "f+0xc [scsi_common]"
    assert finding.evidence.endswith("is in no module")


def test_the_nop_of_an_atomic_replace_is_in_no_module(kernel: FakeKernel) -> None:
    kernel.patch("empty", nops=(kernel.functions["f"],), replace=True)
    view = kernel.view()
    assert list(gone_findings(view)) == []


def test_a_filter_that_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.unload("first")
    ops = kernel.stacks["f"]
    kernel.memory.lose(ops.ops.struct["local_hash.filter_hash"])
    view = kernel.view()
    subject = f"klp_ops {ops.struct.address:#x}, of a function that is unknown"
    assert only(gone_findings(view)).subject == subject
    assert [p.where for p in view.problems.all()] == [f"filter of klp_ops {ops.struct.address:#x}"]


def test_a_list_that_breaks_off(kernel: FakeKernel) -> None:
    kernel.unload("first")
    kernel.stacks["f"].struct.lose()
    view = kernel.view()
    findings = list(gone_findings(view))
    assert told(findings) == []
    (problem,) = view.problems.all()
    assert problem.where == "list klp_ops"
    assert not_checked(findings) == [f"{problem.where}: {problem.what}"]


def test_a_kernel_without_livepatch() -> None:
    view = FakeKernel(Build(livepatch=False)).view()
    assert list(gone_findings(view)) == []
    assert view.problems.all() == ()
