# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose TOC an address is: ``.toc`` of a module plus 0x8000, or what the paca holds."""

import pytest

from klp_debug.analysis.view.toc import toc_of, toc_owner, whose_toc
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import PCREL
from tests.support.sure import unread


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.module("scsi_common")
    made.module("leaf_patch")
    return made


def test_of_the_kernel_and_of_each_module(kernel: FakeKernel) -> None:
    view = kernel.view()
    owners = {"vmlinux": kernel.kernel_toc}
    owners |= {name: module.toc for name, module in kernel.modules.items()}
    assert len(set(owners.values())) == 3
    for owner, toc in owners.items():
        assert toc_owner(view, toc) == owner
        assert toc_of(view, owner) == toc
    assert toc_of(view, None) == kernel.kernel_toc
    assert view.problems.all() == ()


@pytest.mark.parametrize("rounded", [False, True])
def test_a_section_that_is_not_aligned_to_256_bytes(kernel: FakeKernel, rounded: bool) -> None:
    """Its functions tell whether its loader rounds; one may not be there, others set no TOC up."""
    module = kernel.module("scsi_common")
    module.move_toc(0x48, rounded=rounded)
    view = kernel.view()
    said = unread(toc_of(view, "scsi_common"))
    assert said.reason == "TOC of scsi_common: no function of its own that was read sets r2 up"
    assert toc_owner(view, module.toc) == said
    kernel.function("leaf", "scsi_common", leaf=True)
    kernel.function("lost", "scsi_common").lose_text()
    kernel.function("f", "scsi_common")
    view = kernel.view()
    assert toc_of(view, "scsi_common") == module.toc
    assert toc_owner(view, module.toc) == "scsi_common"
    other = kernel.module("leaf_patch")
    assert toc_of(view, "leaf_patch") == other.toc


def test_in_words(kernel: FakeKernel) -> None:
    view = kernel.view()
    assert whose_toc(view, kernel.kernel_toc) == "the kernel's TOC"
    assert whose_toc(view, kernel.module("scsi_common").toc) == "the TOC of scsi_common"
    assert whose_toc(view, 0x1234) == "no TOC of the kernel or a module"


def test_of_nobody(kernel: FakeKernel) -> None:
    view = kernel.view()
    assert toc_owner(view, kernel.kernel_toc + 8) is None
    assert toc_of(view, "nosuch") is None
    assert view.problems.all() == ()


def test_a_kernel_without_toc() -> None:
    view = FakeKernel(PCREL).view()
    assert toc_of(view, "vmlinux") is None
    assert view.problems.all() == ()


def test_sections_that_cannot_be_read(kernel: FakeKernel) -> None:
    module = kernel.module("scsi_common")
    module.sections.lose()
    view = kernel.view()
    missing = unread(toc_of(view, "scsi_common"))
    assert missing.reason.startswith(
        f"TOC of module at {module.struct.address:#x}: not in the dump"
    )
    assert toc_owner(view, kernel.module("leaf_patch").toc) == "leaf_patch"
    # Any other TOC may be that module's.
    assert toc_owner(view, 0x1234) == missing
    assert whose_toc(view, 0x1234) == "whose TOC that is, is unknown"
    (problem,) = view.problems.all()
    assert problem.where == f"TOC of module at {module.struct.address:#x}"
    assert problem.what.startswith("not in the dump")


def test_a_paca_that_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.paca.lose()
    view = kernel.view()
    missing = unread(toc_of(view, None))
    assert missing.reason.startswith("paca_ptrs[0]->kernel_toc: not in the dump")
    assert toc_owner(view, kernel.module("leaf_patch").toc) == "leaf_patch"
    assert toc_owner(view, kernel.kernel_toc) == missing
    assert [problem.where for problem in view.problems.all()] == ["paca_ptrs[0]->kernel_toc"]


def test_a_list_of_modules_that_breaks_off(kernel: FakeKernel) -> None:
    kernel.module("leaf_patch").struct.lose()
    view = kernel.view()
    missing = unread(view.modules.missing)
    assert toc_of(view, "leaf_patch") == missing
    assert toc_owner(view, 0x1234) == missing
    assert toc_owner(view, kernel.kernel_toc) == "vmlinux"
    assert toc_owner(view, kernel.module("scsi_common").toc) == "scsi_common"
