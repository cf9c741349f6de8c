# SPDX-License-Identifier: GPL-2.0-or-later
"""Functions by the debugging information of a file, which each test writes entry by entry."""

import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klp_debug.elf import function_debug_info
from klp_debug.elf.function_debug_info import FunctionDebugInfo, FunctionInUnit
from klp_debug.elf.object_file import ObjectFile
from tests.support.made_dwarf import (
    DECLARATION,
    DECLARED_AND_INLINED,
    DECLARED_ONLY,
    GCC_TRACED,
    GNU_AS,
    INLINE,
    INLINED_ONLY,
    LOW_PC,
    MEMBER,
    NAME,
    NOT_INLINED,
    ORIGIN,
    SUBPROGRAM,
    Code,
    Entry,
    Far,
    InPlace,
    Present,
    Unit,
    Value,
    add_debug_info,
    copy_of,
    function,
    inlined,
)
from tests.support.made_object import COMPRESSED, ET_EXEC, ET_REL, MadeObject
from tests.support.made_patch import NOP

TEXT = 1
"""Number of the one section of text."""
START = 0xC000000000010000


def write(path: Path, *units: Unit, kind: int = ET_REL, first_code: int = 1) -> ObjectFile:
    made = MadeObject(kind=kind)
    assert made.text(".text", *[NOP] * 64, address=START if kind == ET_EXEC else 0) == TEXT
    add_debug_info(made, *units, first_code=first_code)
    return ObjectFile(made.write(path))


def functions(
    path: Path, name: str, *entries: Entry, first_code: int = 1
) -> tuple[FunctionInUnit, ...]:
    """Return what a file with one unit says of a name."""
    obj = write(path, Unit(entries=entries), first_code=first_code)
    found = FunctionDebugInfo(obj).functions(name)
    assert found is not None
    return found


def test_a_function_has_its_unit_and_its_place(tmp_path: Path) -> None:
    unit = Unit("drivers/scsi/scsi_common.c", GCC_TRACED, [function("f", Code(TEXT, 0x20))])
    found = FunctionDebugInfo(write(tmp_path / "a.ko", unit)).functions("f")
    assert found is not None
    (one,) = found
    assert (one.unit.name, one.unit.producer) == ("drivers/scsi/scsi_common.c", GCC_TRACED)
    assert (one.start, one.inlined_into) == (0x20, ())
    assert (one.declared_inline, one.complete) == (False, True)


def test_in_vmlinux_a_place_is_an_address(tmp_path: Path) -> None:
    obj = write(tmp_path / "vmlinux", Unit(entries=[function("f", Code(TEXT, 8))]), kind=ET_EXEC)
    (one,) = FunctionDebugInfo(obj).functions("f") or ()
    assert one.start == START + 8


@pytest.mark.parametrize("first_code", [1, 127, 128, 16384])
def test_the_codes_of_entries_may_have_one_to_three_bytes(tmp_path: Path, first_code: int) -> None:
    entries = function("other", Code(TEXT, 0)), function("f", Code(TEXT, 16))
    (one,) = functions(tmp_path / "a.ko", "f", *entries, first_code=first_code)
    assert one.start == 16


def test_a_name_may_stand_in_the_entry_itself(tmp_path: Path) -> None:
    entries = function(InPlace("not_f"), Code(TEXT, 0)), function(InPlace("f"), Code(TEXT, 16))
    (one,) = functions(tmp_path / "a.ko", "f", *entries)
    assert one.start == 16


def test_a_name_that_ends_others_is_told_from_them(tmp_path: Path) -> None:
    entries = [function(name, Code(TEXT, 8 * n)) for n, name in enumerate(("do_f", "f", "f2"))]
    (one,) = functions(tmp_path / "a.ko", "f", *entries)
    assert one.start == 8


def test_what_only_has_the_name_is_no_function(tmp_path: Path) -> None:
    declared = Entry(SUBPROGRAM, {NAME: "f", DECLARATION: Present()})
    assert functions(tmp_path / "a.ko", "f", declared, Entry(MEMBER, {NAME: "f"})) == ()


def test_a_name_that_no_string_has_is_no_function(tmp_path: Path) -> None:
    assert functions(tmp_path / "a.ko", "g", function("f", Code(TEXT, 0))) == ()


def test_each_unit_may_have_its_own_function_of_a_name(tmp_path: Path) -> None:
    places = ("a.c", 0), ("b.c", 32)
    units = [Unit(name, entries=[function("f", Code(TEXT, at))]) for name, at in places]
    found = FunctionDebugInfo(write(tmp_path / "a.ko", *units)).functions("f") or ()
    assert [(one.unit.name, one.start) for one in found] == [("a.c", 0), ("b.c", 32)]


def test_a_function_without_code_is_known_by_those_that_have_it_inlined(tmp_path: Path) -> None:
    f = function("f", inline=INLINED_ONLY)
    g = function("g", Code(TEXT, 0), inlined(f), inlined(f))
    h = function("h", Code(TEXT, 16), inlined(f))
    (one,) = functions(tmp_path / "a.ko", "f", f, g, h, function("i", Code(TEXT, 32)))
    assert (one.start, one.inlined_into) == (None, ("g", "h"))
    assert not one.declared_inline


def test_a_copy_in_a_copy_belongs_to_the_function_that_has_code(tmp_path: Path) -> None:
    f, g = function("f", inline=INLINED_ONLY), function("g", inline=DECLARED_AND_INLINED)
    h = function("h", Code(TEXT, 16), inlined(g, inlined(f)))
    (one,) = functions(tmp_path / "a.ko", "f", f, g, h)
    assert one.inlined_into == ("h",)


def test_a_copy_in_a_function_without_code_is_in_nothing_that_runs(tmp_path: Path) -> None:
    f = function("f", inline=INLINED_ONLY)
    g = Entry(SUBPROGRAM, {NAME: "g", INLINE: INLINED_ONLY}, [inlined(f)])
    (one,) = functions(tmp_path / "a.ko", "f", f, g)
    assert one.inlined_into == ()


def test_a_clone_that_has_a_copy_has_the_name_of_what_it_is_a_clone_of(tmp_path: Path) -> None:
    f, g = function("f", inline=INLINED_ONLY), function("g", inline=INLINED_ONLY)
    clone = copy_of(g, Code(TEXT, 16), inlined(f))
    clone_of_clone = copy_of(clone, Code(TEXT, 32), inlined(f))
    (one,) = functions(tmp_path / "a.ko", "f", f, g, clone, clone_of_clone)
    assert one.inlined_into == ("g",)


def test_an_entry_that_is_its_own_origin_ends_the_search(tmp_path: Path) -> None:
    f = function("f", inline=INLINED_ONLY)
    attributes: dict[int, Value] = {LOW_PC: Code(TEXT, 16)}
    endless = Entry(SUBPROGRAM, attributes, [inlined(f)])
    attributes[ORIGIN] = endless
    (one,) = functions(tmp_path / "a.ko", "f", f, endless)
    assert one.inlined_into == ("",)


@pytest.mark.parametrize(
    ("inline", "declared"),
    [
        (NOT_INLINED, False),
        (INLINED_ONLY, False),
        (DECLARED_ONLY, True),
        (DECLARED_AND_INLINED, True),
    ],
)
def test_whether_the_source_says_inline(tmp_path: Path, inline: int, declared: bool) -> None:
    f = function("f", inline=inline)
    (one,) = functions(tmp_path / "a.ko", "f", f, copy_of(f, Code(TEXT, 24)))
    assert (one.declared_inline, one.start) == (declared, 24)


@pytest.mark.parametrize("inline", [NOT_INLINED, DECLARED_ONLY])
def test_what_was_not_inlined_is_inlined_into_nothing(tmp_path: Path, inline: int) -> None:
    f = function("f", inline=inline)
    (one,) = functions(tmp_path / "a.ko", "f", f, function("g", Code(TEXT, 0), inlined(f)))
    assert one.inlined_into == ()


def test_a_reference_may_count_from_the_start_of_the_section(tmp_path: Path) -> None:
    f = function("f", inline=INLINED_ONLY)
    second = Unit("b.c", entries=[f, function("g", Code(TEXT, 16), inlined(Far(f)))])
    obj = write(tmp_path / "a.ko", Unit(entries=[function("h", Code(TEXT, 0))]), second)
    (one,) = FunctionDebugInfo(obj).functions("f") or ()
    assert one.inlined_into == ("g",)


def of_two_units(path: Path) -> FunctionDebugInfo:
    """Return the debugging information of a vmlinux whose two units have an f each."""
    units = [
        Unit(name, producer, [function("f", Code(TEXT, at))], [(TEXT, at, 32)])
        for name, producer, at in (("a.c", GCC_TRACED, 0), ("b.S", GNU_AS, 64))
    ]
    return FunctionDebugInfo(write(path, *units, kind=ET_EXEC))


def test_with_an_address_only_its_unit_is_looked_into(tmp_path: Path) -> None:
    info = of_two_units(tmp_path / "vmlinux")
    for at, name in ((START, "a.c"), (START + 64, "b.S")):
        (one,) = info.functions("f", at) or ()
        assert (one.unit.name, one.start) == (name, at)
    both = info.functions("f") or ()
    assert [one.unit.name for one in both] == ["a.c", "b.S"]


def test_an_address_that_no_unit_has_leaves_all_units(tmp_path: Path) -> None:
    found = of_two_units(tmp_path / "vmlinux").functions("f", START + 40) or ()
    assert len(found) == 2


def test_the_unit_at_an_address(tmp_path: Path) -> None:
    info = of_two_units(tmp_path / "vmlinux")
    places = (0, 31, 32, 63, 64, 95, 96)
    units = [info.unit_at(START + at) for at in places]
    names = [unit and unit.name for unit in units]
    assert names == ["a.c", "a.c", None, None, "b.S", "b.S", None]
    assert info.unit_at(0) is None
    last = units[4]
    assert last is not None
    assert last.producer == GNU_AS


def test_a_relocatable_file_has_no_addresses_to_find_a_unit_by(tmp_path: Path) -> None:
    unit = Unit(entries=[function("f", Code(TEXT, 0))], ranges=[(TEXT, 0, 32)])
    assert FunctionDebugInfo(write(tmp_path / "a.ko", unit)).unit_at(0) is None


def test_a_file_without_debugging_information_says_nothing(tmp_path: Path) -> None:
    made = MadeObject()
    made.text(".text", NOP)
    info = FunctionDebugInfo(ObjectFile(made.write(tmp_path / "a.ko")))
    assert (info.functions("f"), info.unit_at(0)) == (None, None)


@pytest.mark.parametrize("name", [".debug_info", ".debug_str"])
def test_a_file_that_has_it_compressed_says_nothing(tmp_path: Path, name: str) -> None:
    made = MadeObject()
    for one in (".debug_info", ".debug_str"):
        made.section(one, bytes(64), flags=COMPRESSED if one == name else 0)
    info = FunctionDebugInfo(ObjectFile(made.write(tmp_path / "a.ko")))
    assert (info.functions("f"), info.unit_at(0)) == (None, None)


def test_of_a_function_in_very_many_units_64_are_told(tmp_path: Path) -> None:
    """As of one in a header."""
    units = [Unit(f"{n}.c", entries=[function("f", Code(TEXT, 0))]) for n in range(70)]
    found = FunctionDebugInfo(write(tmp_path / "a.ko", *units)).functions("f") or ()
    assert [one.unit.name for one in found] == [f"{n}.c" for n in range(64)]


def test_a_unit_that_takes_too_long_is_told_not_to_be_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock stands still until the unit is walked."""
    f = function("f", inline=DECLARED_AND_INLINED)
    unit = Unit(entries=[f, function("g", Code(TEXT, 0), inlined(f))])
    info = FunctionDebugInfo(write(tmp_path / "a.ko", unit))
    (whole,) = info.functions("f") or ()
    assert (whole.complete, whole.inlined_into) == (True, ("g",))
    times = iter([0.0, 1.0])
    clock = SimpleNamespace(monotonic=lambda: next(times, 100.0))
    monkeypatch.setattr(function_debug_info, "time", clock)
    (cut,) = info.functions("f") or ()
    assert (cut.complete, cut.inlined_into, cut.declared_inline) == (False, (), True)


def test_a_name_that_is_no_utf8_is_shown_all_the_same(tmp_path: Path) -> None:
    obj = write(tmp_path / "a.ko", Unit("caf?.c", entries=[function("f", Code(TEXT, 0))]))
    content = obj.path.read_bytes().replace(b"caf?.c", b"caf\xe9.c")
    obj.path.write_bytes(content)
    (one,) = FunctionDebugInfo(ObjectFile(obj.path)).functions("f") or ()
    assert one.unit.name == "caf\N{REPLACEMENT CHARACTER}.c"


@pytest.mark.parametrize("name", [".debug_info", ".debug_abbrev"])
def test_sections_that_end_at_once_say_nothing(tmp_path: Path, name: str) -> None:
    obj = write(tmp_path / "a.ko", Unit(entries=[function("f", Code(TEXT, 0))]))
    section = obj.named_section(name)
    assert section is not None
    content = bytearray(obj.path.read_bytes())
    headers = struct.unpack_from("<Q", content, 40)[0]
    struct.pack_into("<Q", content, headers + 64 * section.index + 32, 4)  # sh_size
    obj.path.write_bytes(content)
    assert not FunctionDebugInfo(ObjectFile(obj.path)).functions("f")


@pytest.mark.parametrize("name", [".debug_info", ".debug_abbrev", ".debug_str", ".debug_aranges"])
@given(data=st.data())
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_debugging_information_raises_nothing(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    f = function("f", inline=DECLARED_AND_INLINED)
    entries = [f, function("g", Code(TEXT, 0), inlined(f))]
    obj = write(tmp_path / "a", Unit(entries=entries, ranges=[(TEXT, 0, 16)]), kind=ET_EXEC)
    section = obj.named_section(name)
    assert section is not None
    content = bytearray(obj.path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, section.size - 1), min_size=1, max_size=4)):
        content[section.offset + at] = data.draw(st.integers(0, 255))
    obj.path.write_bytes(content)
    info = FunctionDebugInfo(ObjectFile(obj.path))
    for found in (info.functions("f"), info.functions("g", START)):
        assert found is None or isinstance(found, tuple)
    info.unit_at(START)
