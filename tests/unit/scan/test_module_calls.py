# SPDX-License-Identifier: GPL-2.0-or-later
"""The branches that leave a module, and what is wrong with a patch's own calls and sites."""

from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.census import take_census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.modinfo import modinfo_of
from klp_debug.scan.module_calls import OuterCall, OuterCalls, check_calls
from tests.support.made_object import (
    ABS,
    ADDR64,
    COMPRESSED,
    LIVEPATCH,
    NOTYPE,
    REL24,
    UNDEF,
    MadeObject,
)
from tests.support.made_patch import BL, BLR, MFLR, NOP, B, modinfo

LD_R2_24_R1 = 0xE8410018
TEXT = 1


def calls_of(path: Path, made: MadeObject) -> tuple[OuterCall, ...]:
    return OuterCalls(ObjectFile(made.write(path))).of(TEXT)


def calling(*words: int, at: int = 0, name: str = "strnlen", section: int = UNDEF) -> MadeObject:
    """Return a file whose text has a branch to another's symbol at an offset."""
    made = MadeObject()
    assert made.text(".text", *words) == TEXT
    made.relocate(TEXT, at, REL24, made.symbol(name, section, kind=NOTYPE))
    return made


def noted(path: Path, made: MadeObject) -> list[tuple[str, str, str]]:
    """Return id, subject and evidence of what is said of a patch."""
    obj = ObjectFile(made.write(path))
    log = HazardLog()
    check_calls(take_census(obj), OuterCalls(obj), modinfo_of(obj), log)
    return [(one.id, one.subject, one.evidence) for one in log.found]


def test_a_call_has_its_word_and_the_one_behind_it(tmp_path: Path) -> None:
    (call,) = calls_of(tmp_path / "a.ko", calling(MFLR, BL, NOP, BLR, at=4))
    assert call == OuterCall(offset=4, word=BL, following=NOP, symbol="strnlen")


def test_nothing_follows_the_last_word(tmp_path: Path) -> None:
    (call,) = calls_of(tmp_path / "a.ko", calling(MFLR, B, at=4))
    assert (call.word, call.following) == (B, 0)


@pytest.mark.parametrize("at", [8, 1 << 40, (1 << 64) - 4])
def test_a_call_beyond_the_section_is_none(tmp_path: Path, at: int) -> None:
    assert calls_of(tmp_path / "a.ko", calling(MFLR, BL, at=at)) == ()


@pytest.mark.parametrize("name", ["_mcount", "ftrace_caller", "ftrace_regs_caller"])
def test_calls_of_ftrace_are_left_out(tmp_path: Path, name: str) -> None:
    assert calls_of(tmp_path / "a.ko", calling(BL, BLR, name=name)) == ()


def test_what_stays_in_the_module_is_left_out(tmp_path: Path) -> None:
    for section in (TEXT, ABS):
        assert calls_of(tmp_path / "a.ko", calling(BL, BLR, section=section)) == ()


def test_other_relocations_are_no_calls(tmp_path: Path) -> None:
    made = MadeObject()
    made.text(".text", BL, BLR)
    made.relocate(TEXT, 0, ADDR64, made.symbol("strnlen", UNDEF, kind=NOTYPE))
    made.relocate(TEXT, 0, REL24, 4096)
    assert calls_of(tmp_path / "a.ko", made) == ()


def test_a_symbol_that_livepatch_resolves_is_outside_whoever_relocates_it(tmp_path: Path) -> None:
    name = ".klp.sym.vmlinux.f,0"
    for klp in ("", "vmlinux"):
        made = MadeObject()
        made.text(".text", BL, NOP)
        made.relocate(TEXT, 0, REL24, made.symbol(name, LIVEPATCH, kind=NOTYPE), klp=klp)
        (call,) = calls_of(tmp_path / "a.ko", made)
        assert call.symbol == name


def test_a_section_without_relocations_has_no_calls(tmp_path: Path) -> None:
    made = MadeObject()
    made.text(".text", BL, NOP)
    calls = OuterCalls(ObjectFile(made.write(tmp_path / "a.ko")))
    assert (calls.of(TEXT), calls.of(0)) == ((), ())


@pytest.mark.parametrize(
    ("words", "evidence"),
    [
        ((BL, NOP), None),
        # As after an earlier load: the restore of r2 is there already.
        ((BL, LD_R2_24_R1), None),
        ((BL, BLR), ".text+0x0: bl strnlen; 4e800020"),
        ((BL,), ".text+0x0: bl strnlen; 00000000"),
        # A branch that does not come back needs no restore.
        ((B, BLR), None),
    ],
)
def test_a_call_needs_a_nop_behind_it(
    tmp_path: Path, words: tuple[int, ...], evidence: str | None
) -> None:
    found = noted(tmp_path / "a.ko", calling(*words))
    assert found == ([("call-without-nop", "strnlen", evidence)] if evidence else [])


def test_code_without_toc_needs_none(tmp_path: Path) -> None:
    made = calling(BL, BLR)
    made.symbol("f", TEXT, 0, 8, other=0x20)
    made.section(".debug_str", b"GNU C11 14.2.0 -m64 -O2\0", flags=0)
    assert noted(tmp_path / "a.ko", made) == []


@pytest.mark.parametrize(
    ("strings", "compiler"),
    [
        (b"x\0GNU C11 14.2.0 -m64 -O2\0", "GNU C11 14.2.0"),
        (b"GNU C11 14.2.0 -m64\0", "GNU C11 14.2.0"),
        (b"GNU C17 12.2.0 -fno-optimize-sibling-calls -m64\0", None),
        (b"GNU C17 12.2.0 -fno-optimize-sibling-calls\0GNU C11 14.2.0 -O2\0", "GNU C11 14.2.0"),
        (b"GNU AS 2.40\0", None),
        (b"not GNU C11\0", None),
        (b"", None),
        (b"GNU C\xff" + b"y" * 200 + b" -O2\0", "GNU C\N{REPLACEMENT CHARACTER}" + "y" * 74),
    ],
)
def test_a_compiler_that_may_make_sibling_calls_is_named(
    tmp_path: Path, strings: bytes, compiler: str | None
) -> None:
    made = MadeObject()
    made.section(".debug_str", strings, flags=0)
    evidence = f"{compiler}, not told -fno-optimize-sibling-calls"
    expected = [("sibling-calls-allowed", "compiler options", evidence)] if compiler else []
    assert noted(tmp_path / "a.ko", made) == expected


def test_options_that_are_compressed_are_not_known(tmp_path: Path) -> None:
    made = MadeObject()
    made.section(".debug_str", b"GNU C11 14.2.0 -m64 -O2\0", flags=COMPRESSED)
    assert noted(tmp_path / "a.ko", made) == []


@pytest.mark.parametrize(
    ("vermagic", "has_list", "has_function", "expected"),
    [
        ("7.2.12 SMP patchable-function-entry ", False, True, ["patch-without-sites"]),
        ("7.2.12 SMP patchable-function-entry ", True, True, []),
        # Nothing could have a site.
        ("7.2.12 SMP patchable-function-entry ", False, False, []),
        ("6.1.176 SMP mprofile-kernel ", False, True, []),
        ("7.2.12 SMP ", False, True, []),
    ],
)
def test_a_kernel_with_patchable_sites_expects_a_list_of_them(
    tmp_path: Path, vermagic: str, has_list: bool, has_function: bool, expected: list[str]
) -> None:
    made = MadeObject()
    made.text(".text", NOP, BLR)
    made.section(".modinfo", modinfo(f"vermagic={vermagic}"))
    if has_function:
        made.symbol("f", TEXT, 0, 8)
    if has_list:
        made.list_sites(TEXT, 0, name="__patchable_function_entries")
    found = noted(tmp_path / "a.ko", made)
    assert [id_ for id_, _, _ in found] == expected
    assert all(evidence == f"it is built for {vermagic}" for _, _, evidence in found)
