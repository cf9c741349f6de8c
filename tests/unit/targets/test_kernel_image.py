# SPDX-License-Identifier: GPL-2.0-or-later
"""A dump that lacks pages of the kernel's own image was made by who does not know the kernel."""

from collections.abc import Container
from pathlib import Path

import pytest
from drgn import FaultError, Program, Symbol, SymbolBinding, SymbolKind

from klp_debug.errors import TargetError
from klp_debug.result.kernel import Mmu
from klp_debug.targets import target
from klp_debug.targets.attaching import PPC64LE
from klp_debug.targets.core_file import CoreFile
from klp_debug.targets.kernel_image import missing_image
from klp_debug.targets.open_core_file import open_core_file
from klp_debug.targets.target import Target
from klp_debug.targets.vmcoreinfo import Vmcoreinfo
from tests.support.made_core import Load, elf, kdump, note

PAGE = 4096
LINEAR = 0xC << 60
TEXT_INFO = b"OSRELEASE=6.12.0\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=c000000000100000\n"
FRAMES = 256
"""Of the memory; the image is of the first 200, and the vectors are in the first 16."""
IMAGE = {
    "_stext": 0,
    "_etext": 120,
    "__start_rodata": 120,
    "__end_ro_after_init": 150,
    "_sdata": 160,
    "_edata": 200,
}


def program(core: CoreFile, image: dict[str, int] = IMAGE) -> Program:
    """Return what reads a core, and knows where the image is: symbol -> its page frame."""
    prog = Program(PPC64LE)
    core.add_memory(prog)

    def find(_: Program, name: str | None, address: int | None, one: bool) -> list[Symbol]:
        if name not in image:
            return []
        at = LINEAR + image[name] * PAGE
        return [Symbol(name, at, 0, SymbolBinding.GLOBAL, SymbolKind.FUNC)]

    prog.register_symbol_finder("image", find, enable_index=0)
    return prog


def kdump_without(path: Path, lost: Container[int]) -> CoreFile:
    pages = {frame: bytes([frame]) * PAGE for frame in range(FRAMES) if frame not in lost}
    path.write_bytes(kdump(pages, vmcoreinfo=TEXT_INFO))
    return open_core_file(path)


def elf_without(path: Path, lost: Container[int]) -> CoreFile:
    """As ``makedumpfile -E`` writes it: a segment for each page, of no bytes for those lost."""
    loads = [
        Load(b"" if frame in lost else b"x" * PAGE, frame * PAGE, LINEAR + frame * PAGE, PAGE)
        for frame in range(FRAMES)
    ]
    path.write_bytes(elf(notes=note(b"VMCOREINFO", TEXT_INFO), loads=loads))
    return open_core_file(path)


@pytest.mark.parametrize("made", [kdump_without, elf_without])
@pytest.mark.parametrize(
    "lost",
    [
        (),
        range(200, 256),  # what is behind the image
        range(16),  # zeros between the vectors
        range(150, 160),  # what is between read-only data and data
    ],
)
def test_a_dump_as_it_should_be(tmp_path: Path, made: object, lost: Container[int]) -> None:
    assert callable(made)
    core = made(tmp_path / "vmcore", lost)
    assert core.not_whole == ()
    assert missing_image(program(core), core, PAGE) is None


@pytest.mark.parametrize("made", [kdump_without, elf_without])
def test_text(tmp_path: Path, made: object) -> None:
    assert callable(made)
    core = made(tmp_path / "vmcore", range(16, 120))
    text = missing_image(program(core), core, PAGE)
    assert text is not None
    assert text.startswith("pages of the kernel's own image are missing (")
    assert text.endswith("): save /proc/vmcore whole or take a newer makedumpfile")


@pytest.mark.parametrize("lost", [range(120, 150), range(160, 200)])
def test_data(tmp_path: Path, lost: range) -> None:
    """An ELF core leaves out zeros, which data may be."""
    core = kdump_without(tmp_path / "kdump", lost)
    assert missing_image(program(core), core, PAGE) is not None
    core = elf_without(tmp_path / "elf", lost)
    assert missing_image(program(core), core, PAGE) is None


def test_no_more_pages_are_asked_for(tmp_path: Path) -> None:
    core = kdump_without(tmp_path / "vmcore", range(FRAMES))
    text = missing_image(program(core), core, PAGE)
    assert text is not None
    assert "(64 of 64 that were looked for)" in text


@pytest.mark.parametrize(
    "image", [{}, {"_stext": 0}, {"_stext": 120, "_etext": 16}, {"_stext": 0, "_etext": 1 << 30}]
)
def test_symbols_that_make_no_sense(tmp_path: Path, image: dict[str, int]) -> None:
    core = kdump_without(tmp_path / "vmcore", range(FRAMES))
    assert missing_image(program(core, image), core, PAGE) is None


@pytest.mark.parametrize("lost", [(), range(16, 120)])
def test_it_is_among_the_problems_of_the_target(tmp_path: Path, lost: Container[int]) -> None:
    core = kdump_without(tmp_path / "vmcore", lost)
    radix = Vmcoreinfo(TEXT_INFO.decode() + "NUMBER(RADIX_MMU)=1\n")
    prog = program(core)
    prog.main_module("kernel", create=True)
    problems = Target.of(prog, core.kind.value, radix, core).problems
    said = [(problem.where, problem.what.split(" (")[0]) for problem in problems]
    image = ("this dump", "pages of the kernel's own image are missing")
    assert said == ([image] if lost else [])


def test_it_is_said_where_not_even_the_mmu_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(prog: Program, vmcoreinfo: Vmcoreinfo) -> Mmu:
        raise FaultError("lost", 0)

    monkeypatch.setattr(target, "mmu_mode", lost)
    core = kdump_without(tmp_path / "vmcore", range(16, 200))
    with pytest.raises(TargetError, match=r"MMU .* be told.*; pages of the kernel's own image"):
        Target.of(program(core), core.kind.value, Vmcoreinfo(TEXT_INFO.decode()), core)
