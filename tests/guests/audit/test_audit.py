# SPDX-License-Identifier: GPL-2.0-or-later
"""
``audit`` on a real capture of every kernel, whole and with one fault at a time put into it.

Each fault must be found, under its own name, and must be all that is found.
"""

import re
from collections.abc import Iterator

import pytest

from klp_debug.result.audit import Audit
from tests.conftest import Captured
from tests.support.compiled_sites import compiled_sites
from tests.support.counted import count_reads
from tests.support.damaged import DamagedCapture
from tests.support.patient import Patient
from tests.support.sure import number, unread
from tests.support.tier import by_tier, cases

pytestmark = pytest.mark.lab

# What a fault in a word, a record or an ops looks like differs by where sites are, and by the TOC.
CASES = by_tier(
    covering=[("6.1", "radix"), ("7.2", "radix"), ("7.2-pcrel", "radix")],
    full=[case for case in cases("patched") if case[1] == "radix" or case[0] == "6.1"],
)
OUT_OF_LINE = [case for case in CASES if case[0].startswith("7.2")]
WITH_TOC = [case for case in CASES if case[0] != "7.2-pcrel"]
NOT_OUT_OF_LINE = [case for case in CASES if case not in OUT_OF_LINE]

LEAF, ARMED, IDLE = "int_to_scsilun", "cmdline_proc_show", "meminfo_proc_show"
NOP = 0x60000000
TRAP = 0x7FE00008
STUB_OF_BOTH = "stub of scsi_common, called by 2 armed sites"

# enum of include/linux/ftrace.h
ENABLED, REGS, TRAMP, IPMODIFY = (1 << bit for bit in (31, 30, 28, 26))
CALL_OPS, TOUCHED, MODIFIED = (1 << bit for bit in (22, 20, 19))  # 6.4 and later


def on(cases: list[tuple[str, str]]) -> pytest.MarkDecorator:
    """Run a test on some of the captures only."""
    return pytest.mark.parametrize("opened", cases, indirect=True, ids="-".join)


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def opened(request: pytest.FixtureRequest, captured: Captured) -> Patient:
    kernel, mmu = request.param
    captures = captured("patched", mmu, kernel)
    return Patient(captures, DamagedCapture(captures.path("kdump"), captures.image.vmlinux))


@pytest.fixture
def patient(opened: Patient) -> Iterator[Patient]:
    """A capture is opened once and mended after each test; a fault that stays fails the next."""
    yield opened
    opened.damaged.mend()


def test_whole(patient: Patient) -> None:
    assert patient.found() == []


# words of sites


@pytest.mark.parametrize("name", [LEAF, ARMED])
def test_armed_site_is_a_nop(patient: Patient, name: str) -> None:
    """Which of a live-patched function a debugger does, and nobody else."""
    patient.put_word(patient.site(name), NOP)
    function = re.sub(r"\+0x[0-9a-f]+", "", patient.label(name))
    assert patient.found() == [("disarmed-by-debugger", function)]


def test_idle_site_calls_ftrace(patient: Patient) -> None:
    site = patient.site(IDLE)
    if patient.out_of_line:
        word = 0x48000000 | (patient.ool_stub(IDLE) - site) & 0x03FFFFFC
    else:
        word = 0x48000001 | (patient.kallsyms("ftrace_caller") - site) & 0x03FFFFFC
    patient.put_word(site, word)
    assert patient.found() == [("site-record-mismatch", patient.label(IDLE))]


@pytest.mark.parametrize("name", [IDLE, ARMED])
def test_a_trap_in_a_site(patient: Patient, name: str) -> None:
    patient.put_word(patient.site(name), TRAP)
    assert patient.found() == [("site-unknown-word", patient.label(name))]


def test_site_calls_something_else(patient: Patient) -> None:
    patient.put_call(ARMED, patient.site(ARMED) + 4096)
    assert patient.found() == [("site-wrong-target", patient.label(ARMED))]


@on(OUT_OF_LINE)
def test_site_branches_into_the_stub_of_another(patient: Patient) -> None:
    site = patient.site(ARMED)
    patient.put_word(site, 0x48000000 | (patient.ool_stub(IDLE) - site) & 0x03FFFFFC)
    assert patient.found() == [("site-wrong-target", patient.label(ARMED))]


@pytest.mark.parametrize("name", [LEAF, ARMED])
def test_site_calls_the_other_trampoline(patient: Patient, name: str) -> None:
    if name == LEAF:
        patient.put_call(name, patient.tramp("tramp_regs"))
    else:
        patient.put_call(name, patient.kallsyms("ftrace_regs_caller"))
    assert patient.found() == [("site-wrong-trampoline", patient.label(name))]


# stubs


def test_stub_leads_elsewhere(patient: Patient) -> None:
    """Of one bit of the stub's addi or paddi, which both functions that call it suffer."""
    add = patient.tramp() + (12 if patient.pcrel else 8)
    assert patient.word(add) >> 16 == 0x398C  # addi r12,r12; or the second word of paddi
    patient.put_word(add, patient.word(add) ^ 0x100)
    assert patient.found() == [("stub-wrong-target", STUB_OF_BOTH)]


@on(WITH_TOC)
def test_the_seeds_stub(patient: Patient) -> None:
    """``addis r11,r2; addi r11,r11; std r2,24(r1); ld r12,32(r11); mtctr r12; bctr``."""
    entry = patient.kallsyms("scsi_set_sense_information", "scsi_common")
    high, low = patient.word(entry), patient.word(entry + 4)
    assert (high >> 16, low >> 16) == (0x3C4C, 0x3842)  # addis r2,r12; addi r2,r2
    toc = entry + (signed(high) << 16) + signed(low)
    distance = patient.tramp() - toc
    addis, addi = (distance + 0x8000) >> 16 & 0xFFFF, distance & 0xFFFF
    words = (0x3D620000 | addis, 0x396B0000 | addi, 0xF8410018, 0xE98B0020, 0x7D8903A6, 0x4E800420)
    for index, word in enumerate(words):
        patient.put_word(patient.tramp() + 4 * index, word)
    suffering = {patient.label(LEAF)}
    if patient.out_of_line:
        # The call stands in the out-of-line stub of each, armed or idle; the site of a function
        # that sets no TOC is its first word.
        module = compiled_sites(patient.captures.image.modules / "scsi_common.ko")
        leaves = [name for name in module.functions if module.offset(name) == 0]
        suffering = {f"{name} [scsi_common]" for name in leaves}
        assert len(suffering) > 1
        assert patient.label(LEAF) in suffering
    assert sorted(patient.found()) == sorted(("toc-stub-on-leaf", label) for label in suffering)


def signed(word: int) -> int:
    """Return the immediate of an addi or addis."""
    return (word & 0xFFFF) - ((word & 0x8000) << 1)


@pytest.mark.parametrize("member", ["magic", "funcdata", "jump"])
def test_stub_does_not_fit_what_is_noted_beside_it(patient: Patient, member: str) -> None:
    at = patient.tramp() + patient.stub_member(member)
    patient.put_word(at, TRAP if member == "jump" else patient.word(at) ^ 4)
    assert patient.found() == [("stub-corrupt", STUB_OF_BOTH)]


@on(OUT_OF_LINE)
@pytest.mark.parametrize("index", range(4))
def test_out_of_line_stub_is_overwritten(patient: Patient, index: int) -> None:
    """Also where the site is idle, so that nothing goes wrong yet."""
    patient.put_word(patient.ool_stub(IDLE) + 4 * index, TRAP)
    assert patient.found() == [("stub-corrupt", f"out-of-line stub of {patient.label(IDLE)}")]


# records


@pytest.mark.parametrize("name", [IDLE, ARMED])
def test_record_has_the_other_state(patient: Patient, name: str) -> None:
    patient.put_flags(name, int(patient.record(name).flags_word) ^ ENABLED)
    assert patient.found() == [("site-record-mismatch", patient.label(name))]


@pytest.mark.parametrize(("name", "flag"), [(IDLE, REGS), (ARMED, TRAMP), (LEAF, IPMODIFY)])
def test_record_has_another_flag(patient: Patient, name: str, flag: int) -> None:
    """REGS and TRAMP come, IPMODIFY goes."""
    flags = int(patient.record(name).flags_word)
    assert bool(flags & flag) is (flag == IPMODIFY)
    patient.put_flags(name, flags ^ flag)
    assert patient.found() == [("record-flags-mismatch", patient.label(name))]


@on([case for case in CASES if case[0] not in ("6.1", "6.1-4k")])
@pytest.mark.parametrize("flag", [TOUCHED, MODIFIED])
def test_record_has_lost_its_past(patient: Patient, flag: int) -> None:
    flags = int(patient.record(ARMED).flags_word)
    assert flags & flag
    patient.put_flags(ARMED, flags ^ flag)
    assert patient.found() == [("record-flags-mismatch", patient.label(ARMED))]


@on(OUT_OF_LINE)
def test_record_has_lost_call_ops(patient: Patient) -> None:
    flags = int(patient.record(ARMED).flags_word)
    assert flags & CALL_OPS
    patient.put_flags(ARMED, flags ^ CALL_OPS)
    assert patient.found() == [("record-flags-mismatch", patient.label(ARMED))]


def test_record_counts_wrong(patient: Patient) -> None:
    patient.put_flags(ARMED, int(patient.record(ARMED).flags_word) + 1)
    assert patient.found() == [("ops-count-mismatch", patient.label(ARMED))]


def test_record_points_outside_text(patient: Patient) -> None:
    data = patient.kallsyms("jiffies_64")
    patient.damaged.put(int(patient.record(IDLE).address), data)
    assert ("record-outside-text", f"{data:#018x}") in patient.found()


# ops


def test_a_filter_names_another_site(patient: Patient) -> None:
    hash_ = patient.klp_ops(LEAF).fops.func_hash.filter_hash
    (entry,) = (
        hash_.buckets[index].first.value_()
        for index in range(1 << hash_.size_bits.value_())
        if hash_.buckets[index].first
    )
    patient.damaged.put(entry + 16, patient.site(IDLE))  # ftrace_func_entry.ip
    assert sorted(patient.found()) == [
        ("ops-count-mismatch", patient.label(LEAF)),
        ("ops-count-mismatch", patient.label(IDLE)),
    ]


@pytest.mark.parametrize("distance", [4, 0x100000000])
def test_ops_calls_no_function(patient: Patient, distance: int) -> None:
    """The middle of one, or nowhere: as if the module of the ops were gone."""
    func = patient.klp_ops(ARMED).fops.func
    assert func.value_() == patient.kallsyms("klp_ftrace_handler")
    patient.damaged.put(func.address_, func.value_() + distance)
    ops = patient.klp_ops(ARMED).fops.address_
    assert patient.found() == [("ops-wrong-callback", f"ftrace_ops {ops:#018x}")]


@on(OUT_OF_LINE)
@pytest.mark.parametrize(("name", "ops"), [(LEAF, "ftrace_nop_ops"), (IDLE, "ftrace_list_ops")])
def test_out_of_line_stub_points_to_other_ops(patient: Patient, name: str, ops: str) -> None:
    patient.damaged.put(patient.ool_stub(name) - 8, patient.kallsyms(ops))
    assert patient.found() == [("site-wrong-ops", patient.label(name))]


@on(OUT_OF_LINE)
def test_out_of_line_stub_points_to_the_ops_of_another(patient: Patient) -> None:
    patient.damaged.put(patient.ool_stub(LEAF) - 8, patient.klp_ops(ARMED).fops.address_)
    assert patient.found() == [("site-wrong-ops", patient.label(LEAF))]


@on(NOT_OUT_OF_LINE)
@pytest.mark.parametrize("label", ["ftrace_call", "ftrace_regs_call"])
@pytest.mark.parametrize("callee", ["klp_ftrace_handler", None])
def test_trampoline_calls_something_else(patient: Patient, label: str, callee: str | None) -> None:
    """Or nothing at all."""
    call = patient.kallsyms(label)
    assert patient.word(call) & 0xFC000003 == 0x48000001  # bl
    distance = patient.kallsyms(callee) - call if callee else 0
    patient.put_word(call, 0x48000001 | distance & 0x03FFFFFC if callee else NOP)
    assert patient.found() == [("trampoline-wrong-call", label)]


def test_ftrace_shut_itself_off(patient: Patient) -> None:
    patient.damaged.put_bytes(patient.kallsyms("ftrace_disabled"), b"\1\0\0\0")
    assert patient.found() == [("ftrace-disabled", "ftrace")]


# what cannot be read, and how much is read


def test_what_cannot_be_read_is_a_problem_and_no_finding(patient: Patient) -> None:
    patient.damaged.remove(patient.site(IDLE) & -4, 4)
    answer = patient.damaged.answer("audit")
    assert isinstance(answer, Audit)
    (unchecked,) = answer.findings
    assert "the word at" in unread(unchecked).reason
    assert answer.unread >= 1
    assert [problem.what for problem in answer.problems] == ["cannot be read"]
    assert "the word at" in answer.problems[0].where


def test_reads_are_few(captured: Captured) -> None:
    """On the kernel with the most sites, about a thousand reads and not one for each site."""
    captures = captured("patched", kernel="7.2")
    damaged = DamagedCapture(captures.path("kdump"), captures.image.vmlinux)
    reads = count_reads(damaged.target)
    answer = damaged.answer("audit")
    assert isinstance(answer, Audit)
    assert number(answer.sites) > 18_000
    assert 0 < len(reads.sizes) < 1500
