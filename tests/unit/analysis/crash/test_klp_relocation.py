# SPDX-License-Identifier: GPL-2.0-or-later
"""A replacement that called through a pointer which livepatch had not filled in."""

from klp_debug.analysis.crash.klp_relocation import judge
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown
from tests.support.fake_klp_relocation import REL24, klp_relocation
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.sure import sure, unread


def judged(
    *, nip: int = 0, type_: int | None = None, by: str = "first_f"
) -> Verdict | Unknown | None:
    kernel = FakeKernel()
    patch = kernel.patch("first", kernel.function("f"))
    if type_ is None:
        klp_relocation(kernel, patch, "scsi_common")
    else:
        klp_relocation(kernel, patch, "scsi_common", type_=type_)
    kernel.function("other", traced=False)
    crashed(kernel, nip=nip, link=kernel.functions[by].address + 0x24)
    return judge(scene_of(kernel))


def test_a_call_of_address_zero() -> None:
    verdict = sure(judged())
    assert (verdict.blame, verdict.id) == ("caused", "klp-relocation-unresolved")
    assert "The replacement at first_f+0x24 [first] called" in verdict.what[1]
    assert "scsi_common is not loaded" in verdict.proof[1]


def test_a_call_of_another_address() -> None:
    assert judged(nip=0x1234) is None


def test_a_call_by_another_function() -> None:
    assert judged(by="other") is None


def test_a_place_that_is_no_pointer() -> None:
    assert judged(type_=REL24) is None


def test_registers_that_nobody_saved() -> None:
    kernel = FakeKernel()
    kernel.crash(0)
    unread(judge(scene_of(kernel)))
