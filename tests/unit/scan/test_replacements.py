# SPDX-License-Identifier: GPL-2.0-or-later
"""The function that a klp_func puts in another's place, and what it may not do."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.result.scan import Replacement
from klp_debug.scan.census import take_census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.module_calls import OuterCalls
from klp_debug.scan.module_data import KlpFunc
from klp_debug.scan.relocations import LateRelocations
from klp_debug.scan.replacements import check_replacement
from tests.support.made_object import LIVEPATCH, NOTYPE, REL24, UNDEF, MadeObject
from tests.support.made_patch import BL, BLR, NOP, TOC_SETUP, B

TEXT, DATA = 1, 2


@dataclass
class Checked:
    """What came out."""

    replacement: Replacement | None
    hazards: list[tuple[str, str]]
    """Id and evidence."""


def made_of(*words: int, other: int = 0) -> MadeObject:
    """Return a patch whose first function begins at +4, with a second of four nops behind it."""
    made = MadeObject()
    assert made.text(".text.patch", NOP, *words, *[NOP] * 4, NOP) == TEXT
    assert made.section(".data", bytes(16)) == DATA
    made.symbol("first", TEXT, 4, 4 * len(words), other=other)
    made.symbol("second", TEXT, 4 + 4 * len(words), 16)
    return made


def check(
    path: Path, made: MadeObject, place: tuple[int, int] | None, in_object: str = "vmlinux"
) -> Checked:
    census = take_census(ObjectFile(made.write(path)))
    log = HazardLog()
    calls, late = OuterCalls(census.obj), LateRelocations(census)
    func = KlpFunc("f", 0, place)
    found = check_replacement(census, calls, late, "f [x]", in_object, func, log)
    assert all(one.subject == "f [x]" for one in log.found)
    return Checked(found, [(one.id, one.evidence) for one in log.found])


def test_a_function_of_the_patch(tmp_path: Path) -> None:
    checked = check(tmp_path / "p.ko", made_of(NOP, BLR), (TEXT, 4))
    assert checked.hazards == []
    assert checked.replacement == Replacement(
        name="first", section=".text.patch", offset=4, toc_setup="none"
    )


@pytest.mark.parametrize(
    ("words", "other", "toc_setup"),
    [((NOP, BLR), 0, "none"), ((*TOC_SETUP, BLR), 0x60, "r12"), ((NOP, BLR), 0x20, "pcrel")],
)
def test_how_it_gets_its_toc(
    tmp_path: Path, words: tuple[int, ...], other: int, toc_setup: str
) -> None:
    checked = check(tmp_path / "p.ko", made_of(*words, other=other), (TEXT, 4))
    assert checked.replacement is not None
    assert checked.replacement.toc_setup == toc_setup


@pytest.mark.parametrize(
    ("place", "evidence"),
    [
        (None, "new_func is NULL, or outside the module"),
        ((TEXT, 0), "new_func is .text.patch+0x0, in no function"),
        ((TEXT, 28), "new_func is .text.patch+0x1c, in no function"),
        ((TEXT, 1 << 40), "new_func is .text.patch+0x10000000000, in no function"),
        ((DATA, 8), "new_func is .data+0x8, in no function"),
    ],
)
def test_what_leads_to_no_function_replaces_nothing(
    tmp_path: Path, place: tuple[int, int] | None, evidence: str
) -> None:
    checked = check(tmp_path / "p.ko", made_of(NOP, BLR), place)
    assert checked == Checked(None, [("replacement-missing", evidence)])


@pytest.mark.parametrize(
    ("offset", "where", "name"),
    [(8, "0x8, first+0x4", "first"), (12, "0xc, first+0x8", "first"),
     (17, "0x11, second+0x1", "second")],
)  # fmt: skip
def test_behind_an_entry_point_is_told_and_the_function_named(
    tmp_path: Path, offset: int, where: str, name: str
) -> None:
    checked = check(tmp_path / "p.ko", made_of(*TOC_SETUP, BLR), (TEXT, offset))
    assert checked.hazards == [("replacement-not-at-entry", f"new_func is .text.patch+{where}")]
    assert checked.replacement is not None
    assert checked.replacement.name == name


def calling(word: int, at: int, *, section: int = UNDEF, other: int = 0) -> MadeObject:
    """Return a patch with a branch to another object at an offset of its text."""
    words = [NOP, NOP, NOP, NOP]
    if 4 <= at < 20:
        words[(at - 4) // 4] = word
    made = made_of(*words, other=other)
    made.relocate(TEXT, at, REL24, made.symbol("strnlen", section, kind=NOTYPE))
    return made


@pytest.mark.parametrize(("at", "offset"), [(4, "0x0"), (16, "0xc")])
@pytest.mark.parametrize("section", [UNDEF, LIVEPATCH])
def test_a_sibling_call_out_of_the_patch(
    tmp_path: Path, at: int, offset: str, section: int
) -> None:
    checked = check(tmp_path / "p.ko", calling(B, at, section=section), (TEXT, 4))
    assert checked.hazards == [("replacement-sibling-call", f"first+{offset}: b strnlen")]
    assert checked.replacement is not None


def test_a_sibling_call_of_another_function_is_not_this_ones(tmp_path: Path) -> None:
    checked = check(tmp_path / "p.ko", calling(B, 16), (TEXT, 20))
    assert checked.replacement is not None
    assert (checked.replacement.name, checked.hazards) == ("second", [])


def test_a_call_that_comes_back_is_no_sibling_call(tmp_path: Path) -> None:
    assert check(tmp_path / "p.ko", calling(BL, 8), (TEXT, 4)).hazards == []


def test_a_branch_in_the_patch_is_no_sibling_call_out_of_it(tmp_path: Path) -> None:
    assert check(tmp_path / "p.ko", calling(B, 8, section=TEXT), (TEXT, 4)).hazards == []


def test_code_without_toc_may_make_sibling_calls(tmp_path: Path) -> None:
    assert check(tmp_path / "p.ko", calling(B, 8, other=0x20), (TEXT, 4)).hazards == []


def test_what_it_uses_is_to_be_filled_in_when_it_runs(tmp_path: Path) -> None:
    made = made_of(NOP, BLR)
    name = ".klp.sym.other.g,0"
    made.relocate(TEXT, 4, REL24, made.symbol(name, LIVEPATCH, kind=NOTYPE), klp="other")
    checked = check(tmp_path / "p.ko", made, (TEXT, 4))
    evidence = f"first uses .text.patch+0x4, which is for other: {name}"
    assert checked.hazards == [("klp-relocation-late", evidence)]
    assert check(tmp_path / "p.ko", made, (TEXT, 4), "other").hazards == []
