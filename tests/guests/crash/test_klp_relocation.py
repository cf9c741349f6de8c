# SPDX-License-Identifier: GPL-2.0-or-later
"""The relocations that livepatch applies, in a guest where it did, and with damage put there."""

import struct
from collections.abc import Iterator

import pytest

from klp_debug.kernel.klp_relocations import KlpRelocation, for_each_klp_relocation
from klp_debug.kernel.livepatch import for_each_klp_patch
from klp_debug.result.report import Report
from tests.conftest import Captured
from tests.support.damaged import DamagedCapture
from tests.support.sure import whole
from tests.support.tier import cases
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab

KERNELS = [kernel for kernel, _ in cases("klp_relocations_applied")]


@pytest.fixture(scope="module", params=KERNELS)
def captures(request: pytest.FixtureRequest, captured: Captured) -> CaptureSet:
    return captured("klp_relocations_applied", kernel=request.param)


@pytest.fixture(scope="module")
def opened(captures: CaptureSet) -> DamagedCapture:
    return DamagedCapture(captures.path("qemu-kdump"), captures.image.vmlinux)


@pytest.fixture
def damaged(opened: DamagedCapture) -> Iterator[DamagedCapture]:
    yield opened
    opened.mend()


def relocation(damaged: DamagedCapture) -> KlpRelocation:
    (patch,) = for_each_klp_patch(damaged.prog)
    (one,) = for_each_klp_relocation(patch.mod)
    return one


def report(damaged: DamagedCapture) -> Report:
    said = damaged.answer("report")
    assert isinstance(said, Report)
    return said


def test_where_it_is(damaged: DamagedCapture, captures: CaptureSet) -> None:
    one = relocation(damaged)
    assert one.section == ".klp.rela.scsi_common.d"
    assert one.symbol == ".klp.sym.scsi_common.scsi_set_sense_information,0"
    assert one.place == captures.oracle.address("pointer", "reloc_patch")
    filled_in = damaged.prog.read_u64(one.place)
    assert filled_in == captures.oracle.address("scsi_set_sense_information", "scsi_common")


def test_applied_is_no_finding(damaged: DamagedCapture) -> None:
    assert report(damaged).clean


def test_not_applied_though_its_object_is_loaded(damaged: DamagedCapture) -> None:
    damaged.put(relocation(damaged).place, 0)
    (finding,) = whole(report(damaged).findings)
    assert (finding.id, finding.subject) == ("klp-relocation-unresolved", "reloc_patch")
    assert finding.evidence.endswith("holds 0: scsi_common is loaded")


@pytest.mark.parametrize(
    ("member", "value"),
    [("e_shnum", 5), ("e_shnum", 0xFFFF), ("symndx", 0xFFFFFFFF), ("sechdrs", 0x10)],
)
def test_damaged_section_headers(damaged: DamagedCapture, member: str, value: int) -> None:
    """Whatever is read there, it is a problem of the answer, and the rest is told."""
    (patch,) = for_each_klp_patch(damaged.prog)
    info = patch.mod.klp_info
    field = info.hdr.e_shnum if member == "e_shnum" else info.member_(member)
    size = {"e_shnum": "<H", "symndx": "<I", "sechdrs": "<Q"}[member]
    damaged.put_bytes(field.address_of_().value_(), struct.pack(size, value))
    said = report(damaged)
    assert [problem.where.partition(" klp_patch")[0] for problem in said.problems] == [
        "klp relocations of"
    ]
    assert [one.name for one in whole(said.patches)] == ["reloc_patch"]
