# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps that lack so much that they cannot be used: the refusal says what they lack, too."""

from pathlib import Path

import pytest
from drgn import FaultError, Program

from klp_debug.errors import TargetError
from klp_debug.targets.helping import without_help
from klp_debug.targets.kernel_memory import complete_memory
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.support.made_core import Load, elf, kdump, note

PAGE = 65536
TEXT = b"OSRELEASE=6.1.0\nPAGESIZE=65536\nSYMBOL(swapper_pg_dir)=c000000001000000\n"
FRAMES = 8 * PAGE


def refusal(*paths: Path) -> str:
    with pytest.raises(TargetError) as caught:
        open_target(TargetOptions(core=paths[0], more_parts=paths[1:]))
    return str(caught.value)


def part(path: Path, frames: range) -> Path:
    pages = {1: b"1" * PAGE, 4: b"4" * PAGE}
    notes = note(b"VMCOREINFO", TEXT)
    made = kdump(pages, page_size=PAGE, frames=FRAMES, vmcoreinfo=TEXT, notes=notes, part=frames)
    path.write_bytes(made)
    return path


def test_one_part(tmp_path: Path) -> None:
    path = part(tmp_path / "vmcore.1", range(4))
    message = refusal(path)
    assert message.startswith(
        f"{path} is part 1 of a split dump: page frames 0x0 to 0x3 of 0x80000"
    )
    assert "name its vmlinux by --symbols" in message


def test_all_parts(tmp_path: Path) -> None:
    paths = part(tmp_path / "vmcore.1", range(4)), part(tmp_path / "vmcore.2", range(4, FRAMES))
    assert "split" not in refusal(*paths)


def test_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(elf(notes=note(b"VMCOREINFO", TEXT), memory=bytes(4 * PAGE))[:-PAGE])
    assert refusal(path).startswith(f"{path} is cut short: 75% of its memory is here; ")


@pytest.mark.parametrize("lost", [0, PAGE])
def test_a_dump_that_drgn_opened(tmp_path: Path, lost: int) -> None:
    """What drgn's prompt is told at once, and that what is lost cannot be read there."""
    path = tmp_path / "vmcore"
    text = TEXT + b"SYMBOL(_stext)=c000000000000000\nNUMBER(RADIX_MMU)=1\n"
    load = Load(b"x" * 2 * PAGE, virtual=0xC << 60, size=4 * PAGE)
    whole = elf(notes=note(b"VMCOREINFO", text), loads=[load])
    path.write_bytes(whole[: len(whole) - lost])
    prog = Program()
    with without_help():
        prog.set_core_dump(path)
    said: list[str] = []
    complete_memory(prog, said.append)
    assert said == (["this dump is cut short: 50% of its memory is here"] if lost else [])
    for frame in range(4):
        for start, physical in ((0xC << 60, False), (0, True)):
            if frame < (1 if lost else 2):
                assert prog.read(start + frame * PAGE, 1, physical) == b"x"
            else:
                with pytest.raises(FaultError) as caught:
                    prog.read(start + frame * PAGE, 1, physical)
                assert ("excluded" in str(caught.value)) == (frame >= 2)
