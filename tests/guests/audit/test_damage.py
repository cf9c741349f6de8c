# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged kernels: what can be read is shown, the rest is a problem, and nothing hangs."""

import contextlib
import random
from pathlib import Path

import pytest
from drgn import Object

from klp_debug.analysis.crash.report_page import report_page
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.errors import CommandError
from klp_debug.kernel.livepatch import (
    for_each_klp_func,
    for_each_klp_object,
    for_each_klp_ops,
    for_each_klp_patch,
)
from klp_debug.kernel.module import for_each_module
from klp_debug.render.html.page import as_html
from klp_debug.result.func import FuncReport
from klp_debug.result.list import PatchedFunction, PatchList
from klp_debug.result.unknown import known
from tests.conftest import Captured
from tests.support.damaged import DamagedCapture
from tests.support.sure import sure, unread, whole
from tests.support.tier import by_tier

pytestmark = pytest.mark.lab

NOWHERE = 0xC00800FFFFFF0000


@pytest.fixture
def damaged(captured: Captured) -> DamagedCapture:
    captures = captured("patched")
    return DamagedCapture(captures.path("kdump"), captures.image.vmlinux)


def patches_of(damaged: DamagedCapture) -> list[Object]:
    return list(for_each_klp_patch(damaged.prog))


def first_func(patch: Object) -> Object:
    return next(for_each_klp_func(next(for_each_klp_object(patch))))


def listed(damaged: DamagedCapture) -> PatchList:
    answer = damaged.answer("list")
    assert isinstance(answer, PatchList)
    return answer


def functions_of(answer: PatchList) -> list[PatchedFunction]:
    patches = whole(answer.patches)
    objects = [obj for patch in patches for obj in whole(patch.objects)]
    return [function for obj in objects for function in whole(obj.functions)]


def first_function(answer: PatchList) -> PatchedFunction:
    return functions_of(answer)[0]


def shown(damaged: DamagedCapture, function: str = "int_to_scsilun") -> FuncReport:
    answer = damaged.answer("func", function=function)
    assert isinstance(answer, FuncReport)
    return answer


def broken(function: FuncReport) -> list[str]:
    return [hop.kind for hop in known(function.chain) if hop.ok is not True]


def test_undamaged_is_clean(damaged: DamagedCapture) -> None:
    assert listed(damaged).clean
    assert shown(damaged).clean


def test_patch_list_leads_nowhere(damaged: DamagedCapture) -> None:
    damaged.put(damaged.prog["klp_patches"].address_, NOWHERE)
    answer = listed(damaged)
    unread(*answer.patches)
    assert not answer.clean
    assert "list klp_patches" in {problem.where for problem in answer.problems}


def test_patch_list_breaks_in_the_middle(damaged: DamagedCapture) -> None:
    second = patches_of(damaged)[1]
    damaged.put(second.list.address_, NOWHERE)
    answer = listed(damaged)
    *patches, rest = answer.patches
    assert [patch.name for patch in whole(patches)] == ["leaf_patch", "toc_patch"]
    unread(rest)
    assert not answer.clean


def test_patch_list_runs_in_a_cycle(damaged: DamagedCapture) -> None:
    first, second, *_ = patches_of(damaged)
    damaged.put(second.list.address_, first.list.address_)
    answer = listed(damaged)
    *patches, rest = answer.patches
    assert [patch.name for patch in whole(patches)] == ["leaf_patch", "toc_patch"]
    unread(rest)
    assert any("0x" in problem.what for problem in answer.problems)


def test_one_function_name_is_unreadable(damaged: DamagedCapture) -> None:
    func = first_func(patches_of(damaged)[0])
    damaged.put(func.old_name.address_of_().value_(), NOWHERE)
    answer = listed(damaged)
    assert len(answer.patches) == 4
    patches = whole(answer.patches)
    unread(*whole(patches[0].objects)[0].functions)
    (function,) = whole(whole(patches[1].objects)[0].functions)
    assert function.old_name == "scsi_set_sense_information"
    assert not answer.clean


def test_hostile_name(damaged: DamagedCapture) -> None:
    func = first_func(patches_of(damaged)[0])
    damaged.put_bytes(func.old_name.value_(), b"\x1b[2J\xff\n\0")
    function = first_function(listed(damaged))
    assert "\x1b" in function.old_name or "x1b" in function.old_name


def test_klp_ops_list_is_unreadable(damaged: DamagedCapture) -> None:
    damaged.put(damaged.prog["klp_ops"].address_, NOWHERE)
    answer = listed(damaged)
    assert len(answer.patches) == 4
    assert not answer.clean
    for function in functions_of(answer):
        unread(function.winner)
        unread(function.runs)


def test_module_list_is_unreadable(damaged: DamagedCapture) -> None:
    damaged.put(damaged.prog["modules"].address_, NOWHERE)
    answer = listed(damaged)
    assert len(answer.patches) == 4
    assert "list of modules" in {problem.where for problem in answer.problems}


def test_module_claims_absurd_symbols(damaged: DamagedCapture) -> None:
    module = next(m for m in for_each_module(damaged.prog) if m.name.string_() == b"scsi_common")
    damaged.put_bytes(module.kallsyms.num_symtab.address_of_().value_(), b"\xff\xff\xff\x7f")
    answer = listed(damaged)
    assert len(answer.patches) == 4
    assert any("claims" in problem.what for problem in answer.problems)


def test_ftrace_page_claims_absurd_records(damaged: DamagedCapture) -> None:
    page = damaged.prog["ftrace_pages_start"]
    damaged.put_bytes(page.index.address_of_().value_(), b"\xff\xff\xff\x7f")
    answer = shown(damaged)
    assert any(problem.where == "ftrace records" for problem in answer.problems)
    assert sure(answer.site).offset == 4
    # The record of this function is on another page.
    assert sure(answer.record).agrees is True
    assert not answer.clean


def ops_of(damaged: DamagedCapture, patch: str) -> Object:
    for ops in for_each_klp_ops(damaged.prog):
        func = first_func(
            next(p for p in patches_of(damaged) if p.mod.name.string_() == patch.encode())
        )
        if ops.func_stack.next.value_() == func.stack_node.address_:
            return ops
    raise AssertionError(patch)


def test_ops_no_longer_calls_the_handler(damaged: DamagedCapture) -> None:
    """What a debugger does to disarm a patch: the original runs, and both commands say so."""
    stub = damaged.prog.function("ftrace_stub") if "ftrace_stub" in damaged.prog else None
    address = stub.address_ if stub is not None else damaged.prog.symbol("ftrace_stub").address
    damaged.put(ops_of(damaged, "leaf_patch").fops.func.address_of_().value_(), address)
    assert first_function(listed(damaged)).runs == "original"
    assert broken(shown(damaged)) == ["handler"]


def test_filter_hash_lacks_the_site(damaged: DamagedCapture) -> None:
    hash_ = ops_of(damaged, "leaf_patch").fops.func_hash.filter_hash
    sure(shown(damaged).site)
    for index in range(1 << hash_.size_bits.value_()):
        first = hash_.buckets[index].first
        if first.value_():
            damaged.put(first.value_() + 16, 0xC000000000001234)  # ftrace_func_entry.ip
    answer = shown(damaged)
    assert broken(answer) == ["ops"]
    assert not answer.clean


@pytest.mark.parametrize(
    ("word", "state", "runs"),
    [
        # Also what a debugger writes there to disarm a patch.
        (0x60000000, "idle", "itself: a debugger holds it disarmed"),
        (0x4E800020, "unknown", "broken"),
        (0x48000005, "armed", "broken"),
    ],
)
def test_site_is_altered(damaged: DamagedCapture, word: int, state: str, runs: str) -> None:
    site = sure(shown(damaged).site)
    damaged.put_bytes(site.address, word.to_bytes(4, "little"))
    answer = shown(damaged)
    assert sure(answer.site).state == state
    assert sure(answer.record).agrees is (state == "armed")
    assert broken(answer)
    assert runs in sure(answer.runs)


def test_stub_is_the_seeds(damaged: DamagedCapture) -> None:
    """The r2-relative stub of kernels before 4.6: harmless behind a TOC set-up, not in a leaf."""
    stub = next(hop for hop in whole(shown(damaged).chain) if hop.kind == "stub")
    toc = int(sure(shown(damaged, "scsi_set_sense_information").entry.toc))
    distance = int(stub.address) - toc
    high, low = (distance + 0x8000) >> 16 & 0xFFFF, distance & 0xFFFF
    words = [0x3D620000 | high, 0x396B0000 | low, 0xF8410018, 0xE98B0020, 0x7D8903A6, 0x4E800420]
    damaged.put_bytes(int(stub.address), b"".join(word.to_bytes(4, "little") for word in words))
    leaf = shown(damaged)
    assert "stub" in broken(leaf)
    assert any("still the caller's" in hop.what for hop in whole(leaf.chain))
    assert broken(shown(damaged, "scsi_set_sense_information")) == []


def test_replacement_is_gone(damaged: DamagedCapture) -> None:
    new_func = first_func(patches_of(damaged)[0]).new_func.value_()
    damaged.remove(new_func & ~0xFFFF, 0x10000)
    answer = shown(damaged)
    (replacement,) = (hop for hop in known(answer.chain) if hop.kind == "replacement")
    unread(replacement.bytes)
    assert not answer.clean


def test_random_damage_neither_raises_nor_hangs(captured: Captured) -> None:
    """Bytes of the structures that the commands walk, altered at random, many times."""
    captures = captured("patched")
    pristine = DamagedCapture(captures.path("kdump"), captures.image.vmlinux)
    regions = [(patch.value_(), 0x200) for patch in patches_of(pristine)]
    regions += [(first_func(patch).value_(), 0x98) for patch in patches_of(pristine)]
    regions += [(ops.value_(), 0x140) for ops in for_each_klp_ops(pristine.prog)]
    regions += [(module.value_(), 0x400) for module in for_each_module(pristine.prog)]
    regions += [(pristine.prog["ftrace_pages_start"].value_(), 24)]
    random_ = random.Random(1)
    (times,) = by_tier(covering=[6], full=[40])
    for _ in range(times):
        damage(captures.path("kdump"), captures.image.vmlinux, regions, random_)


def damage(
    core: Path, vmlinux: Path, regions: list[tuple[int, int]], random_: random.Random
) -> None:
    capture = DamagedCapture(core, vmlinux)
    for _ in range(4):
        start, size = random_.choice(regions)
        value = random_.choice([0, 1, 8, NOWHERE, start, start + 8, (1 << 64) - 1, 1 << 63])
        capture.put(start + 8 * random_.randrange(size // 8), value)
    capture.answer("list")
    for function in ("int_to_scsilun", "cmdline_proc_show"):
        with contextlib.suppress(CommandError):  # its symbols may be what was damaged
            capture.answer("func", function=function)
    as_html(report_page(KernelView(capture.target)))
