# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps whose headers and notes are damaged at any place: a refusal, and nothing else."""

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klp_debug.errors import TargetError
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.support.made_core import elf, kdump, note

TEXT = b"OSRELEASE=6.1.0\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=c000000001000000\n"
NOTES = note(b"VMCOREINFO", TEXT)
ELF = elf(notes=NOTES)
KDUMP = kdump({1: b"1" * 4096}, vmcoreinfo=TEXT, notes=NOTES)
WORDS = st.sampled_from([b"\0", b"\xff", b"\xff" * 4, b"\xff" * 8, b"\xff" * 7 + b"\x7f"])
PATCH = st.binary(min_size=1, max_size=8) | WORDS


def refusal(path: Path, dump: bytes) -> TargetError:
    path.write_bytes(dump)
    with pytest.raises(TargetError) as caught:
        open_target(TargetOptions(core=path))
    return caught.value


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "vmcore"


@settings(max_examples=60, deadline=5000, suppress_health_check=list(HealthCheck))
@given(
    place=st.integers(4, len(ELF) - 65) | st.integers(8, 443).map(lambda at: at - 500),
    patch=PATCH,
    insert=st.booleans(),
)
def test_damaged_anywhere(path: Path, place: int, patch: bytes, insert: bool) -> None:
    dump, at = (ELF, place) if place > 0 else (KDUMP, place + 500)
    damaged = dump[:at] + patch + dump[at + (0 if insert else len(patch)) :]
    # Known kinds have words of their own: nothing falls into the net.
    assert refusal(path, damaged).__cause__ is None


@pytest.mark.parametrize("size", [0, 4])
def test_a_note_of_4_gib_allocates_nothing(path: Path, size: int) -> None:
    """Its name's size, or its text's."""
    notes = bytearray(NOTES)
    struct.pack_into("<I", notes, size, 0xFFFFFFFF)
    said = str(refusal(path, elf(notes=bytes(notes))))
    assert "the note at 0x0 is larger than the notes" in said


LINES = ["OSRELEASE=6.1", "PAGESIZE=0x", "PAGESIZE=", "SYMBOL(_stext)=no hex", "OSRELEASE=\xe9"]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("own", [True, False])
def test_odd_vmcoreinfo(path: Path, line: str, own: bool) -> None:
    """The dump's own, or one that is given for a dump of QEMU's."""
    text = f"OSRELEASE=6.1.0\n{line}\n".encode("latin-1")
    given = path.with_name("vmcoreinfo")
    given.write_bytes(text)
    path.write_bytes(elf(notes=note(b"VMCOREINFO", text) if own else b""))
    with pytest.raises(TargetError) as caught:
        open_target(TargetOptions(core=path, vmcoreinfo=None if own else given))
    assert caught.value.__cause__ is None
