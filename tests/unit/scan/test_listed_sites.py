# SPDX-License-Identifier: GPL-2.0-or-later
"""Sites that no list names: told of any file that has a list, and of a patch without one."""

from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.census import KIND_NAMES, FunctionKind, take_census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.listed_sites import check_listed
from klp_debug.scan.scan import Scanner
from tests.support.made_object import NOTYPE, REL24, UNDEF, MadeObject
from tests.support.made_patch import BL, BLR, MFLR, NOP, TOC_SETUP


def noted(path: Path, made: MadeObject, *, is_patch: bool = False) -> list[tuple[str, str]]:
    """Return subject and evidence of what is said of a file."""
    log = HazardLog()
    check_listed(take_census(ObjectFile(made.write(path))), log, is_patch=is_patch)
    assert {one.id for one in log.found} <= {"sites-unlisted"}
    return [(one.subject, one.evidence) for one in log.found]


def kinds(path: Path, made: MadeObject) -> list[str]:
    census = take_census(ObjectFile(made.write(path)))
    return [KIND_NAMES[FunctionKind(kind)] for kind in census.kinds.tolist()]


def sections(*functions: tuple[int, ...], call: int | None = None, listed: int = 1) -> MadeObject:
    """
    Return a unit of -ffunction-sections; the last of its functions are in its list.

    :param call: the word of each that calls _mcount
    """
    made = MadeObject()
    mcount = made.symbol("_mcount", UNDEF, kind=NOTYPE)
    for number, words in enumerate(functions):
        text = made.text(f".text.f{number}", *words)
        other = 0x60 if words[:2] == TOC_SETUP else 0
        made.symbol(f"f{number}", text, 0, 4 * len(words), other=other)
        if call is not None:
            made.relocate(text, 4 * call, REL24, mcount)
        if number >= len(functions) - listed:
            if call is not None:
                made.list_sites(text, 4 * call)
            else:
                entry = 8 if other else 0
                made.list_sites(text, entry, name="__patchable_function_entries")
    return made


CALLS = ((MFLR, BL, BLR),) * 33


def test_all_calls_of_mcount_are_to_be_listed(tmp_path: Path) -> None:
    made = sections(*CALLS, call=1, listed=33)
    assert noted(tmp_path / "a.o", made) == []
    assert set(kinds(tmp_path / "a.o", made)) == {"leaf"}


def test_of_33_functions_that_call_mcount_one_is_listed(tmp_path: Path) -> None:
    """As of kpatch #1102, which is no patch but a unit of the kernel."""
    made = sections(*CALLS, call=1)
    assert noted(tmp_path / "a.o", made) == [
        (
            "calls of _mcount",
            "33 functions calling _mcount, 1 is listed: ftrace will not know the other 32;"
            " the first is at .text.f0+0x4",
        )
    ]
    assert kinds(tmp_path / "a.o", made) == ["unlisted"] * 32 + ["leaf"]


def test_scan_says_so_of_an_ordinary_object(tmp_path: Path) -> None:
    path = sections(*CALLS, call=1).write(tmp_path / "a.o")
    answer = Scanner().scan([path], "error", lambda name: None)
    assert [one.id for one in answer.hazards] == ["sites-unlisted"]
    assert not answer.clean
    (file,) = answer.files
    assert (file.counts.unlisted, file.counts.notrace, file.counts.leaf) == (32, 0, 1)
    assert file.counts.functions == 33


def test_an_object_without_a_list_waits_for_recordmcount_but_a_patch_does_not(
    tmp_path: Path,
) -> None:
    made = sections(*CALLS[:2], call=1, listed=0)
    assert noted(tmp_path / "a.o", made) == []
    (one,) = noted(tmp_path / "a.o", made, is_patch=True)
    assert (
        "2 functions calling _mcount, the file has no __mcount_loc: ftrace will know none" in one[1]
    )


def test_a_call_in_no_function_counts_too(tmp_path: Path) -> None:
    made = sections(*CALLS[:2], call=1, listed=2)
    text = made.text(".text.asm", MFLR, BL, BLR)
    made.relocate(text, 4, REL24, made.symbol("_mcount", UNDEF, kind=NOTYPE))
    (one,) = noted(tmp_path / "a.o", made)
    assert one[1].startswith("3 functions calling _mcount, 2 are listed")


@pytest.mark.parametrize("entry", [(NOP, NOP, BLR), (*TOC_SETUP, NOP, NOP, BLR)])
def test_patchable_entries_that_the_list_lacks(tmp_path: Path, entry: tuple[int, ...]) -> None:
    made = sections(entry, (BLR,), entry)
    assert noted(tmp_path / "a.o", made) == [
        (
            "patchable entries",
            "2 functions with a patchable entry, 1 is listed: ftrace will not know the other 1;"
            " the first is at .text.f0, f0",
        )
    ]
    assert kinds(tmp_path / "a.o", made)[:2] == ["unlisted", "notrace"]


def test_one_nop_is_no_proof(tmp_path: Path) -> None:
    """A function that is notrace may begin with the nop of a static key."""
    made = sections((NOP, BLR), (NOP, MFLR, BLR))
    assert noted(tmp_path / "a.o", made) == []
    assert kinds(tmp_path / "a.o", made) == ["notrace", "leaf"]
