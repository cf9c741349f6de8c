# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether livepatch has filled in the places of each patch (``klp_apply_section_relocs()``)."""

import pytest

from klp_debug.analysis.audit.relocations import (
    UnresolvedRelocation,
    relocation_findings,
    unresolved_relocations,
)
from tests.support.fake_klp_relocation import ADDR64, REL24, TOC16_HA, klp_relocation
from tests.support.fake_view import FakeKernel
from tests.support.findings import not_checked, only, told
from tests.support.instructions import bl
from tests.support.kernel_structs import Build


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.patch("first", made.function("f"))
    return made


def test_a_doubleword_that_is_still_zero(kernel: FakeKernel) -> None:
    made = klp_relocation(kernel, kernel.patches[0], "vmlinux")
    finding = only(relocation_findings(kernel.view()))
    assert (finding.id, finding.subject) == ("klp-relocation-unresolved", "first")
    assert finding.evidence == (
        f"{made.place:#x}, for {made.symbol} in {made.section} of first, holds 0: vmlinux is loaded"
    )


def test_a_branch_that_is_still_to_itself(kernel: FakeKernel) -> None:
    made = klp_relocation(kernel, kernel.patches[0], "scsi_common", type_=REL24)
    kernel.put_words(made.place, 0x48000001)
    kernel.module("scsi_common")
    finding = only(relocation_findings(kernel.view()))
    assert finding.evidence.endswith(", branches to itself: scsi_common is loaded")


@pytest.mark.parametrize(
    ("type_", "word"), [(ADDR64, 0xC0001234), (REL24, bl(0x1000, 0x2000)), (TOC16_HA, 0)]
)
def test_a_place_that_is_filled_in_or_of_which_nothing_can_be_told(
    kernel: FakeKernel, type_: int, word: int
) -> None:
    made = klp_relocation(kernel, kernel.patches[0], "vmlinux", type_=type_)
    kernel.put_words(made.place, word)
    assert list(relocation_findings(kernel.view())) == []


def test_one_that_waits_for_its_module_is_as_it_must_be(kernel: FakeKernel) -> None:
    klp_relocation(kernel, kernel.patches[0], "scsi_common")
    view = kernel.view()
    assert list(relocation_findings(view)) == []
    (unresolved,) = unresolved_relocations(view)
    assert isinstance(unresolved, UnresolvedRelocation)
    assert (unresolved.module, unresolved.loaded) == ("first", False)
    assert unresolved.evidence.endswith("holds 0: scsi_common is not loaded")


def test_patches_without_any(kernel: FakeKernel) -> None:
    view = kernel.view()
    assert list(unresolved_relocations(view)) == []
    assert view.problems.all() == ()


def test_a_kernel_without_livepatch() -> None:
    view = FakeKernel(Build(livepatch=False)).view()
    assert list(unresolved_relocations(view)) == []
    assert view.problems.all() == ()


@pytest.mark.parametrize("lost", ["place", "info"])
def test_what_cannot_be_read_costs_no_other_patch(kernel: FakeKernel, lost: str) -> None:
    made = klp_relocation(kernel, kernel.patches[0], "vmlinux")
    other = kernel.patch("second", kernel.function("g"))
    klp_relocation(kernel, other, "vmlinux")
    kernel.memory.lose(made.place if lost == "place" else made.info.address)
    view = kernel.view()
    findings = list(relocation_findings(view))
    assert told(findings) == [("klp-relocation-unresolved", "second")]
    at = kernel.patches[0].struct.address
    (problem,) = view.problems.all()
    assert problem.where == f"klp relocations of klp_patch {at:#x}"
    assert not_checked(findings) == [f"{problem.where}: {problem.what}"]
