# SPDX-License-Identifier: GPL-2.0-or-later
"""The functions of a file joined with its sites: of what kind each is, and of which dialect."""

from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.census import KIND_NAMES, Census, FunctionKind, take_census
from tests.support.listing_object import INT_TO_SCSILUN, seed_object
from tests.support.made_dwarf import Code, Unit, add_debug_info, function
from tests.support.made_module import made_module
from tests.support.made_object import ET_EXEC, ET_REL, NOTYPE, MadeObject
from tests.support.made_patch import BL, BLR, MFLR, NOP, TOC_SETUP

STD_R0 = 0xF8010010
CALLS, PATCHABLE = "__mcount_loc", "__patchable_function_entries"
ADDRESS = 0xC000000000010000


def census_of(path: Path, made: MadeObject) -> Census:
    return take_census(ObjectFile(made.write(path)))


def kinds(census: Census) -> list[tuple[str, str, int]]:
    """Return name, kind and site of each function."""
    return [
        (census.name(number), KIND_NAMES[FunctionKind(kind)], int(census.site[number]))
        for number, kind in enumerate(census.kinds.tolist())
    ]


def made_function(*words: int, other: int = 0) -> tuple[MadeObject, int]:
    """Return a file with one function, and the number of its section."""
    made = MadeObject()
    text = made.text(".text", *words)
    made.symbol("f", text, 0, 4 * len(words), other=other)
    return made, text


def test_the_functions_of_a_module(tmp_path: Path) -> None:
    census = census_of(tmp_path / "scsi_common.ko", made_module())
    assert kinds(census) == [
        ("int_to_scsilun", "leaf", 4),
        ("with_toc", "toc", 12),
        ("quiet", "notrace", -1),
        ("twice", "leaf", 4),
        ("twice", "leaf", 4),
        ("silent", "notrace", -1),
        ("early", "leaf", 4),
    ]
    assert (census.outside, census.pcrel) == (0, False)
    assert [census.section_name(n) for n in (0, 6)] == [".text", ".init.text"]
    assert [census.toc_setup(n) for n in (0, 1)] == ["none", "r12"]
    assert census.dialect() == "mprofile-kernel (2 instructions)"


def test_the_functions_of_the_posts_listing(tmp_path: Path) -> None:
    """objdump shows bl int_to_scsilun+0x8 and bl scsi_set_sense_information+0x10."""
    census = census_of(tmp_path / "scsi_common.o", seed_object())
    assert kinds(census) == [
        ("int_to_scsilun", "leaf", 8),
        ("scsi_set_sense_information", "toc", 16),
    ]
    assert census.functions.start.tolist()[0] == INT_TO_SCSILUN
    assert census.dialect() == "mprofile-kernel (3 instructions)"


def test_a_file_may_have_nothing(tmp_path: Path) -> None:
    census = census_of(tmp_path / "empty.o", MadeObject())
    assert (kinds(census), census.outside, census.pcrel) == ([], 0, False)
    assert census.dialect() == "none"


def test_without_any_site_no_function_is_compiled_for_ftrace(tmp_path: Path) -> None:
    made, _ = made_function(MFLR, BLR)
    census = census_of(tmp_path / "a.o", made)
    assert kinds(census) == [("f", "no-site", -1)]
    assert (census.dialect(), census.dialects.tolist()) == ("none", [0])


def test_of_several_sites_in_a_function_the_first_is_its_own(tmp_path: Path) -> None:
    made, text = made_function(MFLR, BL, MFLR, BL, BLR)
    made.list_sites(text, 12, 4)
    assert kinds(census_of(tmp_path / "a.o", made)) == [("f", "leaf", 4)]


def test_sites_in_no_function_are_counted(tmp_path: Path) -> None:
    """Behind the last, before the first, in another section, and before the section begins."""
    made = MadeObject()
    text = made.text(".text", *[NOP] * 4, MFLR, BL, BLR, *[NOP] * 4)
    made.symbol("f", text, 16, 12)
    made.list_sites(text, 20, 4, 28, 1 << 40, -4)
    made.list_sites(made.text(".text.hot", MFLR, BL, BLR), 4)
    census = census_of(tmp_path / "a.o", made)
    assert kinds(census) == [("f", "leaf", 4)]
    assert census.outside == 5


def test_a_place_before_the_section_is_no_site_of_its_first_function(tmp_path: Path) -> None:
    made, text = made_function(MFLR, BL, BLR)
    made.list_sites(text, -4, 4)
    census = census_of(tmp_path / "a.o", made)
    assert kinds(census) == [("f", "leaf", 4)]
    assert census.outside == 1


@pytest.mark.parametrize(
    ("words", "site", "name", "dialect"),
    [
        ((MFLR, BL, BLR), 4, CALLS, "mprofile-kernel (2 instructions)"),
        ((*TOC_SETUP, MFLR, BL), 12, CALLS, "mprofile-kernel (2 instructions)"),
        ((MFLR, STD_R0, BL, BLR), 8, CALLS, "mprofile-kernel (3 instructions)"),
        ((MFLR, STD_R0, NOP, NOP, BL), 16, CALLS, "pg"),
        ((NOP, NOP, BLR), 0, PATCHABLE, "patchable-function-entry"),
        ((NOP, MFLR, BLR), 0, PATCHABLE, "out-of-line"),
        ((BL, BLR), 0, CALLS, "unknown"),
        # The second nop, 4 bytes too far.
        ((MFLR, NOP, NOP), 4, PATCHABLE, "unknown"),
    ],
)
def test_the_dialect_is_told_by_the_words_before_a_site(
    tmp_path: Path, words: tuple[int, ...], site: int, name: str, dialect: str
) -> None:
    made, text = made_function(*words, other=0x60 if words[:2] == TOC_SETUP else 0)
    made.list_sites(text, site, name=name)
    assert dialect in census_of(tmp_path / "a.o", made).dialect()


def test_of_several_dialects_the_most_frequent_comes_first(tmp_path: Path) -> None:
    made = MadeObject()
    two, three = (MFLR, BL, BLR, NOP), (MFLR, STD_R0, BL, BLR)
    text = made.text(".text", *three, *two, *two)
    for number in range(3):
        made.symbol(f"f{number}", text, 16 * number, 16)
    made.list_sites(text, 8, 20, 36)
    told = census_of(tmp_path / "a.o", made).dialect()
    assert told == "mprofile-kernel (2 instructions), mprofile-kernel (3 instructions)"


def two_units(kind: int, *, known: bool = True, covers_quiet: bool = True) -> MadeObject:
    """Return a file with f and quiet in a.c, and bare in b.S; only f has a site."""
    made = MadeObject(kind=kind)
    address = ADDRESS if kind == ET_EXEC else 0
    text = made.text(".text", MFLR, BL, BLR, BLR, BLR, BLR, address=address)
    for name, at, size in (("f", 0, 12), ("quiet", 12, 4), ("bare", 16, 8)):
        made.symbol(name, text, address + at, size)
    if kind == ET_EXEC:
        listed = made.section(
            ".data", (address + 4).to_bytes(8, "little"), address=address + 0x1000
        )
        for end, at in (("start", 0), ("stop", 8)):
            made.symbol(f"__{end}_mcount_loc", listed, address + 0x1000 + at, kind=NOTYPE)
    else:
        made.list_sites(text, 4)
    if known:
        first = Unit("a.c", ranges=[(text, 0, 16 if covers_quiet else 12)])
        add_debug_info(made, first, Unit("b.S", ranges=[(text, 16, 8)]))
    return made


@pytest.mark.parametrize("kind", [ET_REL, ET_EXEC])
def test_a_unit_without_any_site_was_not_compiled_for_ftrace(tmp_path: Path, kind: int) -> None:
    assert kinds(census_of(tmp_path / "a", two_units(kind))) == [
        ("f", "leaf", 4),
        ("quiet", "notrace", -1),
        ("bare", "no-site", -1),
    ]


@pytest.mark.parametrize("kind", [ET_REL, ET_EXEC])
def test_where_the_units_are_not_known_the_file_is_one(tmp_path: Path, kind: int) -> None:
    told = [name for _, name, _ in kinds(census_of(tmp_path / "a", two_units(kind, known=False)))]
    assert told == ["leaf", "notrace", "notrace"]


def test_a_function_in_no_unit_has_no_neighbours(tmp_path: Path) -> None:
    census = census_of(tmp_path / "a.o", two_units(ET_REL, covers_quiet=False))
    assert kinds(census)[1] == ("quiet", "no-site", -1)


@pytest.mark.parametrize(
    ("others", "pcrel", "setups"),
    [
        ((0x20, 0x20), True, ["pcrel", "pcrel"]),
        ((0x20, 0), True, ["pcrel", "pcrel"]),
        ((0, 0), False, ["none", "none"]),
        ((0x20, 0x60), False, ["none", "r12"]),
    ],
)
def test_code_is_pc_relative_if_a_symbol_says_so_and_no_function_sets_a_toc(
    tmp_path: Path, others: tuple[int, int], pcrel: bool, setups: list[str]
) -> None:
    made = MadeObject()
    second = TOC_SETUP if others[1] == 0x60 else (NOP, NOP)
    text = made.text(".text", MFLR, BLR, *second)
    for number, other in enumerate(others):
        made.symbol(f"f{number}", text, 8 * number, 8, other=other)
    census = census_of(tmp_path / "a.o", made)
    assert census.pcrel is pcrel
    assert [census.toc_setup(number) for number in (0, 1)] == setups


@pytest.mark.parametrize(("kind", "name"), [(ET_REL, "f.ko"), (ET_EXEC, "vmlinux")])
def test_a_kernel_is_known_as_vmlinux_whatever_its_file_is_called(
    tmp_path: Path, kind: int, name: str
) -> None:
    assert census_of(tmp_path / "f.ko", MadeObject(kind=kind)).file_name == name


def test_debugging_information_is_opened_once(tmp_path: Path) -> None:
    made, text = made_function(MFLR, BLR)
    add_debug_info(made, Unit("a.c", entries=[function("f", Code(text, 0))]))
    census = census_of(tmp_path / "a.o", made)
    assert census.debug_info is census.debug_info
    (one,) = census.debug_info.functions("f") or ()
    assert (one.unit.name, one.start) == ("a.c", 0)
