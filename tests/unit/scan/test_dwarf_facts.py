# SPDX-License-Identifier: GPL-2.0-or-later
"""What became of a function, by debugging information that each test writes entry by entry."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.census import Census, take_census
from klp_debug.scan.dwarf_facts import note_copies, note_missing, note_without_site
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.named_symbols import symbols_named
from tests.support.made_dwarf import (
    DECLARED_AND_INLINED,
    DECLARED_ONLY,
    GCC,
    GCC_TRACED,
    GNU_AS,
    INLINED_ONLY,
    Code,
    Entry,
    Unit,
    add_debug_info,
    copy_of,
    function,
    inlined,
)
from tests.support.made_object import ET_EXEC, ET_REL, NOTYPE, OBJECT, MadeObject
from tests.support.made_patch import BL, BLR, MFLR, NOP

TEXT = 1
ADDRESS = 0xC000000000010000

Noted = list[tuple[str, str]]


def module(*, sites: bool = True, functions: Sequence[tuple[str, int, int]] = ()) -> MadeObject:
    """Return a module with traced at 0, which has a site, other functions, and a variable."""
    made = MadeObject()
    assert made.text(".text", MFLR, BL, BLR, *[NOP] * 61) == TEXT
    made.symbol("traced", TEXT, 0, 12)
    for name, at, size in functions:
        made.symbol(name, TEXT, at, size)
    if sites:
        made.list_sites(TEXT, 4)
    return made


def census_of(path: Path, made: MadeObject) -> Census:
    return take_census(ObjectFile(made.write(path)))


def noted(log: HazardLog) -> Noted:
    assert all(one.subject == "f [a]" for one in log.found)
    return [(one.id, one.evidence) for one in log.found]


def missing(path: Path, made: MadeObject, name: str = "f") -> Noted:
    log = HazardLog()
    note_missing(census_of(path, made), "f [a]", name, log)
    return noted(log)


def copies(path: Path, made: MadeObject) -> Noted:
    census, log = census_of(path, made), HazardLog()
    (symbol,) = symbols_named(census.obj, "f")
    note_copies(census, "f [a]", "f", symbol, log)
    return noted(log)


def without_site(path: Path, made: MadeObject, name: str = "f") -> Noted:
    census, log = census_of(path, made), HazardLog()
    (symbol,) = symbols_named(census.obj, name)
    found = census.functions.at(symbol.section, symbol.offset)
    note_without_site(census, "f [a]", symbol, found, log)
    return noted(log)


def test_a_name_that_nothing_knows(tmp_path: Path) -> None:
    says = "a.ko has no symbol of that name"
    assert missing(tmp_path / "a.ko", module()) == [("original-missing", says)]


def test_a_missing_function_has_clones(tmp_path: Path) -> None:
    made = module(functions=[("f.isra.0", 16, 4), ("f.constprop.0", 20, 4), ("ff.isra.0", 24, 4)])
    says = "a.ko has no symbol of that name, but f.constprop.0, f.isra.0"
    assert missing(tmp_path / "a.ko", made) == [("original-missing", says)]


def test_of_very_many_clones_eight_are_named(tmp_path: Path) -> None:
    made = module(functions=[(f"f.part.{number}", 16, 4) for number in range(10)])
    says = ", ".join(f"f.part.{number}" for number in range(8))
    assert missing(tmp_path / "a.ko", made) == [
        ("original-missing", f"a.ko has no symbol of that name, but {says}")
    ]


def with_copies(made: MadeObject, *names: str) -> None:
    """Say that f is inlined into functions of these names."""
    f = function("f", inline=INLINED_ONLY)
    callers = [function(name, Code(TEXT, 0), inlined(f)) for name in names]
    add_debug_info(made, Unit(entries=[f, *callers]))


def test_a_missing_function_is_inlined(tmp_path: Path) -> None:
    made = module()
    with_copies(made, "g", "h", "g")
    says = "a.ko has no symbol of that name, it is inlined into g, h"
    assert missing(tmp_path / "a.ko", made) == [("original-inlined", says)]


def test_of_very_many_copies_eight_are_named(tmp_path: Path) -> None:
    made = module()
    with_copies(made, *(f"g{number}" for number in range(11)))
    ((id_, says),) = missing(tmp_path / "a.ko", made)
    names = ", ".join(f"g{number}" for number in range(8))
    assert id_ == "original-inlined"
    assert says.endswith(f"it is inlined into {names} and 3 more")


def test_a_function_with_clones_and_copies_is_missing_and_both_are_told(tmp_path: Path) -> None:
    made = module(functions=[("f.part.0", 16, 4)])
    with_copies(made, "g")
    says = "a.ko has no symbol of that name, but f.part.0, it is inlined into g"
    assert missing(tmp_path / "a.ko", made) == [("original-missing", says)]


def test_a_function_that_nothing_calls(tmp_path: Path) -> None:
    made = module()
    add_debug_info(made, Unit(entries=[function("f", inline=DECLARED_ONLY)]))
    says = "its debugging information knows it, but no code of it: nothing calls it"
    ((id_, told),) = missing(tmp_path / "a.ko", made)
    assert (id_, told.partition(", ")[2]) == ("original-missing", says)


def test_a_name_of_something_else_in_the_debugging_information(tmp_path: Path) -> None:
    made = module()
    add_debug_info(made, Unit("f", entries=[function("g", Code(TEXT, 0))]))
    ((id_, told),) = missing(tmp_path / "a.ko", made)
    says = "but its debugging information has the name"
    assert (id_, told.partition(", ")[2]) == ("original-missing", says)


def present(entries: Sequence[Entry]) -> MadeObject:
    made = module(functions=[("f", 16, 16)])
    add_debug_info(made, Unit(entries=entries))
    return made


def test_a_function_that_is_there_may_be_inlined_as_well(tmp_path: Path) -> None:
    f = function("f", inline=INLINED_ONLY)
    g, h = (function(name, Code(TEXT, 32), inlined(f)) for name in "gh")
    made = present([f, copy_of(f, Code(TEXT, 16)), g, h])
    assert copies(tmp_path / "a.ko", made) == [("original-also-inlined", "into g, h")]


def test_a_function_that_is_inlined_into_itself_alone_is_whole(tmp_path: Path) -> None:
    f = function("f", inline=INLINED_ONLY)
    made = present([f, copy_of(f, Code(TEXT, 16), inlined(f))])
    assert copies(tmp_path / "a.ko", made) == []


def test_copies_of_another_function_of_the_name_do_not_count(tmp_path: Path) -> None:
    f = function("f", inline=INLINED_ONLY)
    caller = function("g", Code(TEXT, 32), inlined(f))
    made = present([f, copy_of(f, Code(TEXT, 48)), caller, function("f", Code(TEXT, 16))])
    assert copies(tmp_path / "a.ko", made) == []


def test_without_debugging_information_no_copy_is_known(tmp_path: Path) -> None:
    assert copies(tmp_path / "a.ko", module(functions=[("f", 16, 16)])) == []


def test_what_is_no_function_has_no_site(tmp_path: Path) -> None:
    made = module()
    made.symbol("f", made.section(".data", bytes(16)), 8, 8, OBJECT)
    says = ".data 0x8 is the start of no function"
    assert without_site(tmp_path / "a.ko", made) == [("original-without-site", says)]


def test_a_file_without_any_site(tmp_path: Path) -> None:
    made = module(sites=False, functions=[("f", 16, 16)])
    says = ".text 0x10; a.ko has no site at all"
    assert without_site(tmp_path / "a.ko", made) == [("original-without-site", says)]


@pytest.mark.parametrize("name", ["f.cold", "f.isra.0.cold"])
def test_the_cold_part_of_a_function(tmp_path: Path, name: str) -> None:
    made = module(functions=[(name, 16, 16)])
    says = ".text 0x10: the cold part of a function, which is jumped to and not called"
    assert without_site(tmp_path / "a.ko", made, name) == [("original-without-site", says)]


def vmlinux(*symbols: tuple[str, int], kind: int = ET_EXEC) -> MadeObject:
    """Return a file with traced at 0, f at 16 and labels at other offsets."""
    made = MadeObject(kind=kind)
    base = ADDRESS if kind == ET_EXEC else 0
    text = made.text(".text", MFLR, BL, BLR, *[NOP] * 61, address=base)
    made.symbol("traced", text, base, 12)
    made.symbol("f", text, base + 16, 16)
    if kind == ET_EXEC:
        listed = made.section(".data", (base + 4).to_bytes(8, "little"), address=base + 0x1000)
        symbols = (*symbols, ("__start_mcount_loc", 0x1000), ("__stop_mcount_loc", 0x1008))
        assert listed == TEXT + 1
    else:
        made.list_sites(text, 4)
    for name, at in symbols:
        made.symbol(name, TEXT + (at >= 0x1000), base + at, kind=NOTYPE)
    return made


@pytest.mark.parametrize(
    ("region", "name"), [(".noinstr.text", "noinstr_text"), (".entry.text", "entry_text")]
)
@pytest.mark.parametrize(("start", "end", "inside"), [(16, 17, True), (0, 64, True),
                                                      (0, 16, False), (17, 64, False),
                                                      (64, 0, False)])  # fmt: skip
def test_regions_of_vmlinux_that_are_not_traced(
    tmp_path: Path, region: str, name: str, start: int, end: int, inside: bool
) -> None:
    made = vmlinux((f"__{name}_start", start), (f"__{name}_end", end))
    ((id_, says),) = without_site(tmp_path / "vmlinux", made)
    assert (id_ == "original-notrace") is inside
    if inside:
        assert says == f".text {ADDRESS + 16:#x}, in {region}, which is not traced"


def test_a_region_is_one_of_vmlinux_alone_and_has_two_ends(tmp_path: Path) -> None:
    made = vmlinux(("__noinstr_text_start", 0))
    assert without_site(tmp_path / "vmlinux", made)[0][0] == "original-without-site"
    ends = ("__noinstr_text_start", 0), ("__noinstr_text_end", 64)
    made = vmlinux(*ends, kind=ET_REL)
    assert without_site(tmp_path / "a.ko", made)[0][0] == "original-without-site"


def told(path: Path, made: MadeObject, *units: Unit, name: str = "f") -> tuple[str, str]:
    """Return id and reason that a file with these units gives for f at 16."""
    add_debug_info(made, *units)
    ((id_, says),) = without_site(path, made, name)
    where, _, reason = says.partition(": ")
    assert where == ".text 0x10"
    return id_, reason


def test_a_unit_that_was_compiled_with_sites_proves_notrace(tmp_path: Path) -> None:
    made = module(functions=[("f", 16, 16), ("h", 32, 16)])
    unit = Unit("./lib/deep/a/b.c", GCC_TRACED, [function("f", Code(TEXT, 16))], [(TEXT, 0, 64)])
    assert told(tmp_path / "a.ko", made, unit) == (
        "original-notrace",
        "notrace, for deep/a/b.c is compiled with -mprofile-kernel -p,"
        " and 1 of its other 2 functions have a site",
    )


def test_the_neighbours_are_those_of_the_unit(tmp_path: Path) -> None:
    made = module(functions=[("f", 16, 16), ("h", 32, 16)])
    units = (
        Unit("a.c", GCC_TRACED, [function("f", Code(TEXT, 16))], [(TEXT, 16, 32)]),
        Unit("b.c", GCC_TRACED, [function("traced", Code(TEXT, 0))], [(TEXT, 0, 16)]),
    )
    _, reason = told(tmp_path / "a.ko", made, *units)
    assert reason.endswith("and 0 of its other 1 functions have a site")


@pytest.mark.parametrize("inline", [DECLARED_ONLY, DECLARED_AND_INLINED])
def test_a_function_that_is_declared_inline_is_notrace(tmp_path: Path, inline: int) -> None:
    made = module(functions=[("f", 16, 16)])
    f = function("f", inline=inline)
    unit = Unit("a.c", GCC_TRACED, [f, copy_of(f, Code(TEXT, 16))])
    id_, reason = told(tmp_path / "a.ko", made, unit)
    assert id_ == "original-notrace"
    assert reason.startswith("declared inline, which makes it notrace, for a.c is compiled with")


@pytest.mark.parametrize(
    ("producer", "options"),
    [
        ("GNU C11 12.2.0 -p -O2", "-p"),
        ("GNU C11 12.2.0 -pg", "-pg"),
        ("GNU C11 12.2.0 -fpatchable-function-entry=2,0", "-fpatchable-function-entry=2,0"),
        ("clang version 17 -mprofile-kernel", "-mprofile-kernel"),
        ("GNU C11 12.2.0 -pipe -O2", None),
        ("GNU C11 12.2.0 -mno-profile-kernel", None),
    ],
)
def test_the_options_that_give_a_function_a_site(
    tmp_path: Path, producer: str, options: str | None
) -> None:
    made = module(functions=[("f", 16, 16)])
    id_, reason = told(
        tmp_path / "a.ko", made, Unit("a.c", producer, [function("f", Code(TEXT, 16))])
    )
    if options is None:
        says = "a.c is compiled without ftrace, by the options that gcc recorded"
        assert (id_, reason) == ("original-without-site", says)
    else:
        assert id_ == "original-notrace"
        assert f"a.c is compiled with {options}, and" in reason


@pytest.mark.parametrize(
    ("producer", "name", "reason"),
    [
        (GNU_AS, "a.S", "assembler, of a.S"),
        (GNU_AS, "a.s", "assembler, of a.s"),
        ("clang version 17", "a.S", "assembler, of a.S"),
        (GCC, "a.c", "a.c is compiled without ftrace, by the options that gcc recorded"),
        (
            "clang version 17",
            "a.c",
            "notrace or assembler, for its neighbours have a site; nothing tells which",
        ),
    ],
)
def test_what_a_producer_proves(tmp_path: Path, producer: str, name: str, reason: str) -> None:
    made = module(functions=[("f", 16, 16)])
    unit = Unit(name, producer, [function("f", Code(TEXT, 16))])
    assert told(tmp_path / "a.ko", made, unit) == ("original-without-site", reason)


def test_two_functions_of_the_name_at_one_place_prove_nothing(tmp_path: Path) -> None:
    made = module(functions=[("f", 16, 16)])
    units = [Unit(name, GCC_TRACED, [function("f", Code(TEXT, 16))]) for name in ("a.c", "b.c")]
    id_, reason = told(tmp_path / "a.ko", made, *units)
    assert id_ == "original-without-site"
    assert reason.endswith("nothing tells which")


def test_a_function_that_is_not_described_is_of_the_unit_at_its_address(tmp_path: Path) -> None:
    """As one of assembler is: gas describes none."""
    for producer, reason in (
        (GNU_AS, "assembler, of b.S"),
        # In a C file it may be of asm(), so that nothing is proven.
        (GCC_TRACED, "notrace or assembler, for its neighbours have a site; nothing tells which"),
    ):
        made = vmlinux()
        add_debug_info(made, Unit("b.S", producer, ranges=[(TEXT, 0, 64)]))
        ((id_, says),) = without_site(tmp_path / "vmlinux", made)
        assert (id_, says) == ("original-without-site", f".text {ADDRESS + 16:#x}: {reason}")


@pytest.mark.parametrize(("size", "small"), [(4, True), (8, True), (12, False), (16, False)])
def test_a_function_may_be_too_small_for_a_site(tmp_path: Path, size: int, small: bool) -> None:
    """mflr r0, bl _mcount and a return take 12 bytes."""
    made = module(functions=[("f", 16, size)])
    ((id_, says),) = without_site(tmp_path / "a.ko", made)
    assert id_ == ("original-too-small" if small else "original-without-site")
    if small:
        assert says == (
            f".text 0x10: {size} bytes, where a site (mprofile-kernel (2 instructions)) and a"
            " return take 12; nothing in the file tells why it has none"
        )


@pytest.mark.parametrize(
    ("site", "at", "name", "needed"),
    [
        ((MFLR, BL), 4, "__mcount_loc", 12),
        ((MFLR, 0xF8010010, BL), 8, "__mcount_loc", 16),
        ((NOP, NOP), 0, "__patchable_function_entries", 12),
        ((NOP,), 0, "__patchable_function_entries", 8),
    ],
)
def test_the_room_for_a_site_is_that_of_the_files_dialect(
    tmp_path: Path, site: tuple[int, ...], at: int, name: str, needed: int
) -> None:
    for size, id_ in ((needed - 4, "original-too-small"), (needed, "original-without-site")):
        made = MadeObject()
        text = made.text(".text", *site, BLR, BLR, *[BLR] * 8)
        made.symbol("traced", text, 0, 4 * len(site))
        made.symbol("f", text, 16, size)
        made.list_sites(text, at, name=name)
        ((found, says),) = without_site(tmp_path / "a.ko", made)
        assert found == id_
        assert (f"and a return take {needed};" in says) is (id_ == "original-too-small")


def test_a_local_entry_point_takes_room_too(tmp_path: Path) -> None:
    made = module()
    made.symbol("f", TEXT, 16, 16, other=0x60)
    ((id_, says),) = without_site(tmp_path / "a.ko", made)
    assert id_ == "original-too-small"
    assert "16 bytes, where a site" in says
    assert "take 20;" in says


def test_a_small_function_of_assembler_says_both(tmp_path: Path) -> None:
    made = module(functions=[("f", 16, 8)])
    unit = Unit("a.S", GNU_AS, [function("f", Code(TEXT, 16))])
    id_, reason = told(tmp_path / "a.ko", made, unit)
    assert id_ == "original-too-small"
    assert reason.endswith("; assembler, of a.S")


def test_a_small_function_that_is_proven_to_be_notrace_is_that(tmp_path: Path) -> None:
    made = module(functions=[("f", 16, 4)])
    unit = Unit("a.c", GCC_TRACED, [function("f", Code(TEXT, 16))])
    assert told(tmp_path / "a.ko", made, unit)[0] == "original-notrace"


def test_a_symbol_without_a_size_is_of_assembler(tmp_path: Path) -> None:
    made = module(functions=[("f", 16, 0)])
    says = ".text 0x10: assembler, for its symbol has no size"
    assert without_site(tmp_path / "a.ko", made) == [("original-without-site", says)]


def test_a_function_whose_unit_has_no_site_may_be_anything(tmp_path: Path) -> None:
    made = module(functions=[("f", 16, 16)])
    units = Unit("a.c", "", ranges=[(TEXT, 0, 12)]), Unit("b.c", "", ranges=[(TEXT, 16, 16)])
    assert told(tmp_path / "a.ko", made, *units) == (
        "original-without-site",
        "notrace, assembler, or compiled without ftrace; nothing tells which",
    )
