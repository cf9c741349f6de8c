# SPDX-License-Identifier: GPL-2.0-or-later
"""A finding for each object that the kernel will refuse because of a patch."""

import pytest

from klp_debug.analysis.audit.barred_objects import barred_findings
from klp_debug.result.unknown import Unknown
from tests.support.fake_klp_relocation import REL24, FakeRelocation, klp_relocation
from tests.support.fake_view import FakeKernel
from tests.support.findings import only

LD_R2 = 0xE8410018


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.patch("first", made.function("f", "scsi_common"))
    return made


@pytest.fixture
def call(kernel: FakeKernel) -> FakeRelocation:
    """Where the patch calls into scsi_common, which was there once."""
    made = klp_relocation(kernel, kernel.patches[0], "scsi_common", type_=REL24)
    kernel.put_words(made.place, 0x48000001, LD_R2)
    return made


def test_one_that_is_not_loaded(kernel: FakeKernel, call: FakeRelocation) -> None:
    kernel.patches[0].objects["scsi_common"]["mod"] = 0
    finding = only(barred_findings(kernel.view()))
    assert (finding.id, finding.subject) == ("object-barred", "scsi_common")
    assert finding.evidence.startswith(f"first calls into it at {call.place:#x}")
    assert finding.evidence.endswith("behind that is e8410018, not a nop")


def test_one_that_is_loaded(kernel: FakeKernel, call: FakeRelocation) -> None:
    assert list(barred_findings(kernel.view())) == []


def test_what_cannot_be_read(kernel: FakeKernel, call: FakeRelocation) -> None:
    kernel.patches[0].objects["scsi_common"]["mod"] = 0
    kernel.memory.lose(call.place)
    (unknown,) = barred_findings(kernel.view())
    assert isinstance(unknown, Unknown)
