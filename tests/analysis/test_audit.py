# SPDX-License-Identifier: GPL-2.0-or-later
"""``audit`` on a real capture, whole and with one fault at a time put into it."""

import pytest
from drgn import Object

from klp_debug.kernel.livepatch import for_each_klp_ops
from klp_debug.result.audit import Audit
from klp_debug.result.function import Function
from tests.analysis.damaged import DamagedCapture
from tests.conftest import Captured

pytestmark = pytest.mark.lab


@pytest.fixture(params=["radix", "hash"])
def damaged(request: pytest.FixtureRequest, captured: Captured) -> DamagedCapture:
    captures = captured("patched", request.param)
    return DamagedCapture(captures.path("kdump"), captures.image.vmlinux)


def found(damaged: DamagedCapture) -> list[tuple[str, str]]:
    answer = damaged.answer("audit")
    assert isinstance(answer, Audit)
    assert answer.problems == ()
    return [(finding.id, finding.subject) for finding in answer.findings]


def shown(damaged: DamagedCapture, name: str) -> Function:
    answer = damaged.answer("func", function=name)
    assert isinstance(answer, Function)
    return answer


def put_word(damaged: DamagedCapture, address: int, word: int) -> None:
    damaged.put_bytes(address, word.to_bytes(4, "little"))


def site(damaged: DamagedCapture, name: str) -> int:
    decoded = shown(damaged, name).site
    assert decoded is not None
    return int(decoded.address)


def stub(damaged: DamagedCapture) -> int:
    return next(int(h.address) for h in shown(damaged, "int_to_scsilun").chain if h.kind == "stub")


def test_whole(damaged: DamagedCapture) -> None:
    assert found(damaged) == []


def test_armed_site_is_a_nop(damaged: DamagedCapture) -> None:
    put_word(damaged, site(damaged, "int_to_scsilun"), 0x60000000)
    assert found(damaged) == [("site-record-mismatch", "int_to_scsilun+0x4 [scsi_common]")]


def test_idle_site_calls_ftrace(damaged: DamagedCapture) -> None:
    target = shown(damaged, "cmdline_proc_show").site
    assert target is not None
    assert target.target is not None
    address = site(damaged, "meminfo_proc_show")
    word = 0x48000001 | (int(target.target) - address) & 0x03FFFFFC
    put_word(damaged, address, word)
    assert found(damaged) == [("site-record-mismatch", "meminfo_proc_show+0xc")]


def test_a_trap_in_a_site(damaged: DamagedCapture) -> None:
    put_word(damaged, site(damaged, "meminfo_proc_show"), 0x7FE00008)
    assert found(damaged) == [("site-unknown-word", "meminfo_proc_show+0xc")]


def test_site_calls_something_else(damaged: DamagedCapture) -> None:
    address = site(damaged, "cmdline_proc_show")
    put_word(damaged, address, 0x48000001 | (4096 & 0x03FFFFFC))
    assert found(damaged) == [("site-wrong-target", "cmdline_proc_show+0xc")]


def test_stub_leads_elsewhere(damaged: DamagedCapture) -> None:
    """One bit of the stub's addi: both functions that use it are meant, by one finding."""
    address = stub(damaged)
    put_word(damaged, address + 8, damaged.prog.read_u32(address + 8) ^ 0x100)
    assert found(damaged) == [("stub-wrong-target", "stub of scsi_common, called by 2 armed sites")]


def test_the_seeds_stub(damaged: DamagedCapture) -> None:
    """``addis r11,r2; addi r11,r11; std r2,24(r1); ld r12,32(r11); mtctr r12; bctr``."""
    words = [0x3D62FFFE, 0x396B8540, 0xF8410018, 0xE98B0020, 0x7D8903A6, 0x4E800420]
    data = b"".join(word.to_bytes(4, "little") for word in words)
    damaged.put_bytes(stub(damaged), data)
    assert found(damaged) == [("toc-stub-on-leaf", "int_to_scsilun+0x4 [scsi_common]")]


def test_record_says_enabled(damaged: DamagedCapture) -> None:
    record = shown(damaged, "meminfo_proc_show").record
    assert record is not None
    damaged.put(int(record.address) + 8, 1 << 31)
    assert found(damaged) == [("site-record-mismatch", "meminfo_proc_show+0xc")]


def test_record_counts_wrong(damaged: DamagedCapture) -> None:
    record = shown(damaged, "cmdline_proc_show").record
    assert record is not None
    damaged.put(int(record.address) + 8, int(record.flags_word) + 1)
    assert found(damaged) == [("ops-count-mismatch", "cmdline_proc_show+0xc")]


def test_record_points_outside_text(damaged: DamagedCapture) -> None:
    record = shown(damaged, "meminfo_proc_show").record
    assert record is not None
    data = damaged.prog["jiffies_64"].address_
    damaged.put(int(record.address), data)
    assert ("record-outside-text", f"{data:#018x}") in found(damaged)


def test_ftrace_shut_itself_off(damaged: DamagedCapture) -> None:
    damaged.put_bytes(damaged.prog["ftrace_disabled"].address_, b"\1\0\0\0")
    assert found(damaged) == [("ftrace-disabled", "ftrace")]


def test_a_filter_names_another_site(damaged: DamagedCapture) -> None:
    ops = leaf_ops(damaged)
    hash_ = ops.fops.func_hash.filter_hash
    first = next(
        hash_.buckets[index].first
        for index in range(1 << hash_.size_bits.value_())
        if hash_.buckets[index].first
    )
    damaged.put(first.value_() + 16, site(damaged, "meminfo_proc_show"))
    assert sorted(found(damaged)) == [
        ("ops-count-mismatch", "int_to_scsilun+0x4 [scsi_common]"),
        ("ops-count-mismatch", "meminfo_proc_show+0xc"),
    ]


def leaf_ops(damaged: DamagedCapture) -> Object:
    address = next(
        int(hop.address) for hop in shown(damaged, "int_to_scsilun").chain if hop.kind == "ops"
    )
    return next(ops for ops in for_each_klp_ops(damaged.prog) if ops.fops.address_ == address)
