# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a function has no site, in objects whose source is here; what gcc makes of it is real."""

import random
import subprocess
import time
from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.result.scan import Hazard
from klp_debug.scan.census import FunctionKind
from klp_debug.scan.scan import Scanner
from tests.support.made_patch import Func, made_patch

pytestmark = pytest.mark.lab

CROSS = "powerpc64le-linux-gnu-"
FLAGS = ("-c", "-g", "-O2", "-mcpu=power8", "-mabi=elfv2", "-mtraceback=no")
TRACED = ("-pg", "-mprofile-kernel")

TRACED_SOURCE = """
#define noinline __attribute__((noinline))
#define notrace __attribute__((no_instrument_function))
int state;
static inline int everywhere(int a) { return a * state + 1; }
static int unused(int a) { return a; }
int somewhere(int a) { return a ^ state; }
noinline int calls_both(int a) { return everywhere(a) + somewhere(a); }
noinline int calls_everywhere(int a) { return everywhere(a + 2) - 1; }
noinline notrace int quiet(int a) { state = a; return a + 1; }
notrace int tiny_but_notrace(void) { return 0; }
static inline notrace int declared_inline(int a) { return a / state; }
int calls_inline(int a) { return declared_inline(a); }
int (*pointer)(int) = declared_inline;
int (*unused_too(void))(int) { return 0 ? unused : 0; }
asm(".globl in_c_file; .type in_c_file,@function; in_c_file: nop; nop; nop; blr;"
    ".size in_c_file,.-in_c_file");
"""
UNTRACED_SOURCE = """
int shared;
int tiny(void) { return 0; }
int larger(int a) { return a * shared + shared / a; }
"""
ASSEMBLER_SOURCE = """
.text
.globl sized
.type sized,@function
sized: nop
nop
nop
blr
.size sized,.-sized
.globl sizeless
.type sizeless,@function
sizeless: blr
"""


def run(*words: object) -> None:
    subprocess.run(list(map(str, words)), check=True)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three units, linked into one relocatable file as a module is."""
    folder = tmp_path_factory.mktemp("objects")
    units = (
        ("traced.c", TRACED_SOURCE, TRACED),
        ("untraced.c", UNTRACED_SOURCE, ()),
        ("assembler.S", ASSEMBLER_SOURCE, ()),
    )
    for name, source, flags in units:
        path = folder / name
        path.write_text(source)
        run(f"{CROSS}gcc", *FLAGS, *flags, path, "-o", path.with_suffix(".o"))
    objects = sorted(folder.glob("*.o"))
    run(f"{CROSS}ld", "-r", "-o", folder / "target.ko", *objects)
    return folder / "target.ko"


def hazards_of(name: str, module: Path) -> list[Hazard]:
    patch = made_patch({"target": [Func(name)]}).write(module.with_name(f"{name}_patch.ko"))
    found = Scanner(against=[module]).scan([patch], "note", lambda name: None).hazards
    return [one for one in found if one.level != "note"]


CASES = [
    ("quiet", "original-notrace", "traced.c is compiled with -mprofile-kernel -p, and 5 of its"),
    ("tiny_but_notrace", "original-notrace", "notrace, for "),
    ("declared_inline", "original-notrace", "declared inline, which makes it notrace, for "),
    ("in_c_file", "original-without-site", "nothing tells which"),
    ("tiny", "original-too-small", "8 bytes, where a site (mprofile-kernel (2 instructions)) and"),
    ("tiny", "original-too-small", "untraced.c is compiled without ftrace"),
    ("larger", "original-without-site", "untraced.c is compiled without ftrace"),
    ("sized", "original-without-site", "assembler"),
    ("sizeless", "original-without-site", "assembler"),
    ("everywhere", "original-inlined", "target.ko has no symbol of that name, it is inlined into "),
    ("everywhere", "original-inlined", "calls_both"),
    ("everywhere", "original-inlined", "calls_everywhere"),
    ("somewhere", "original-also-inlined", "into calls_both"),
    ("absent", "original-missing", "has no symbol of that name"),
]


@pytest.mark.parametrize(("name", "id_", "evidence"), CASES)
def test_the_reason_is_proven(module: Path, name: str, id_: str, evidence: str) -> None:
    (found,) = hazards_of(name, module)
    assert found.id == id_
    assert evidence in found.evidence


def test_the_units_of_a_module_are_told_apart(module: Path) -> None:
    (file,) = Scanner(kinds=frozenset(FunctionKind)).scan([module], "note", print).files
    assert file.functions is not None
    kinds = {one.name: one.kind for one in file.functions}
    assert {name for name, kind in kinds.items() if kind == "no-site"} == {
        *("tiny", "larger", "sized", "sizeless")
    }
    assert {name for name, kind in kinds.items() if kind == "notrace"} == {
        *("quiet", "tiny_but_notrace", "declared_inline", "in_c_file")
    }


@pytest.mark.parametrize("name", ["calls_both", "calls_everywhere", "calls_inline"])
def test_nothing_is_said_of_a_function_that_can_be_replaced(module: Path, name: str) -> None:
    assert hazards_of(name, module) == []


@pytest.mark.parametrize("options", [("--strip-debug",), ("--compress-debug-sections=zlib",)])
def test_without_debugging_information_it_says_so(
    tmp_path: Path, module: Path, options: tuple[str, ...]
) -> None:
    bare = tmp_path / "target.ko"
    run(f"{CROSS}objcopy", *options, module, bare)
    told = {name: hazards_of(name, bare)[0] for name in ("quiet", "larger", "everywhere", "tiny")}
    assert {name: one.id for name, one in told.items()} == {
        "quiet": "original-without-site",
        "larger": "original-without-site",
        "everywhere": "original-missing",
        "tiny": "original-too-small",
    }
    assert "nothing tells which" in told["quiet"].evidence
    assert "nothing in the file tells why" in told["tiny"].evidence
    assert hazards_of("somewhere", bare) == []


@pytest.mark.parametrize("name", [".debug_info", ".debug_abbrev", ".debug_aranges", ".debug_str"])
def test_damaged_debugging_information_ends_soon(tmp_path: Path, module: Path, name: str) -> None:
    """Whatever it says then, the answer is there, and there in time."""
    section = ObjectFile(module).named_section(name)
    assert section is not None
    whole, chance = module.read_bytes(), random.Random(name)
    bare = tmp_path / "target.ko"
    for _ in range(25):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 4, 16))):
            at = section.offset + chance.randrange(section.size)
            damaged[at] = chance.choice((0, 0xFF, chance.randrange(256)))
        bare.write_bytes(damaged)
        start = time.monotonic()
        assert len(hazards_of("quiet", bare)) == 1
        hazards_of("everywhere", bare)
        hazards_of("somewhere", bare)
        assert time.monotonic() - start < 20
