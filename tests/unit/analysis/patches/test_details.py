# SPDX-License-Identifier: GPL-2.0-or-later
"""More about patches, by a kernel made by hand."""

import pytest

from klp_debug.analysis.patches.details import long_list
from klp_debug.kernel.log import LogRecord
from klp_debug.result.patch_details import LongList, PatchDetails
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.variable("tainted_mask", "unsigned long", 0)
    made.patch("first", made.function("f"), made.function("g", "scsi_common"))
    return made


def told(kernel: FakeKernel, *lines: str, lost: Unknown | None = None) -> LongList:
    view = kernel.view()
    records = tuple(LogRecord(number * 10**9, text) for number, text in enumerate(lines, 1))
    view.__dict__["log"] = type(view.log)(records, lost)
    return long_list(view)


def first(answer: LongList) -> PatchDetails:
    (patch,) = answer.patches
    assert isinstance(patch, PatchDetails)
    return patch


def test_the_module(kernel: FakeKernel) -> None:
    kernel.patches[0].module.struct["version"] = kernel.string("1.2-3")
    patch = first(told(kernel))
    assert (patch.name, patch.version, patch.srcversion, patch.taints) == (
        "first",
        "1.2-3",
        None,
        "",
    )


def test_the_last_time_counts(kernel: FakeKernel) -> None:
    line = "livepatch: enabling patch 'first'"
    applying = "livepatch: applying patch 'first' to loading module 'scsi_common'"
    patch = first(told(kernel, line, "other", line, applying, f"{line}2"))
    assert patch.enabled_at == 3.0
    assert [
        (obj.name, obj.applied_at) for obj in patch.objects if not isinstance(obj, Unknown)
    ] == [
        ("vmlinux", None),
        ("scsi_common", 4.0),
    ]
    assert first(told(kernel)).enabled_at is None


def test_a_log_that_is_not_whole(kernel: FakeKernel) -> None:
    lost = Unknown("log of the kernel: page 0x1 is not in the dump")
    assert first(told(kernel, "livepatch: enabling patch 'first'", lost=lost)).enabled_at == lost


def test_callbacks(kernel: FakeKernel) -> None:
    kernel.patches[0].objects["scsi_common"]["callbacks.post_patch"] = kernel.address("_stext")
    found = [obj.callbacks for obj in first(told(kernel)).objects if not isinstance(obj, Unknown)]
    assert found == [(), ("post_patch",)]


def test_what_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.patches[0].objects["scsi_common"].lose()
    assert isinstance(first(told(kernel)).objects[-1], Unknown)
    kernel.patches[0].struct.lose()
    answer = told(kernel)
    assert isinstance(answer.patches[-1], Unknown)
