# SPDX-License-Identifier: GPL-2.0-or-later
"""A module's array of stubs: where it ends in each kernel, and where damage must not lead."""

import numpy as np
import pytest
from drgn import FaultError, Object, TypeMember

from klp_debug.kernel import module as module_under_test
from klp_debug.kernel.module import module_stub_entries
from klp_debug.kernel.walk import WalkError
from tests.support.memory import MemoryProgram

MODULE, STUBS, REGION_END = 0x1000, 0x2000, 0x3000
SIZE = 40
MAGIC = 0x73747562
TARGET = 0xC000000000010000


class StubsProgram(MemoryProgram):
    """
    A module with stubs in its memory, up to REGION_END.

    Where a section is needs a real kernel; tests on captures show that it is found there.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **arch: int) -> None:
        super().__init__()
        u32 = self.prog.int_type("unsigned int", 4, False)
        self._types["ppc64_stub_entry"] = self.prog.struct_type(
            "ppc64_stub_entry",
            SIZE,
            (
                TypeMember(self.prog.array_type(u32, 7), "jump"),
                TypeMember(u32, "magic", 8 * 28),
                TypeMember(self.u64, "funcdata", 8 * 32),
            ),
        )
        char = self.prog.int_type("char", 1, True)
        arch_type = self.struct("mod_arch_specific", **dict.fromkeys(arch, self.u64))
        self.struct("module", name=self.prog.array_type(char, 8), arch=arch_type)
        self.put(MODULE, int.from_bytes(b"lib", "little"), *arch.values())
        for at in range(STUBS, REGION_END, 8):
            self.put(at, 0)
        self.sections = {".stubs": STUBS}
        self.regions = [(STUBS & -0x1000, 0x1000)]
        monkeypatch.setattr(
            module_under_test, "module_address_regions", lambda module: self.regions
        )

    def put_stub(self, index: int, funcdata: int) -> None:
        """Write a stub whose first word is its number, at its place in the array."""
        self.put(STUBS + SIZE * index, index, 0, 0, MAGIC << 32, funcdata)

    @property
    def module(self) -> Object:
        return self.at("module", MODULE)

    def entries(self) -> list[tuple[int, int, int, int]]:
        """Return (address, first word, magic, funcdata) of each stub found."""
        found = module_stub_entries(self.module, self.sections)
        assert found["jump"].shape == (len(found), 7)
        columns = found["address"], found["jump"][:, 0], found["magic"], found["funcdata"]
        return [(int(a), int(j), int(m), int(f)) for a, j, m, f in zip(*columns, strict=True)]


def stubs(count: int) -> list[tuple[int, int, int, int]]:
    return [(STUBS + SIZE * n, n, MAGIC, TARGET + n) for n in range(count)]


def filled(program: StubsProgram, count: int) -> StubsProgram:
    for number in range(count):
        program.put_stub(number, TARGET + number)
    return program


def test_an_unused_one_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    program = filled(StubsProgram(monkeypatch), 3)
    program.put_stub(5, TARGET)
    assert program.entries() == stubs(3)


def test_the_modules_memory_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    places = (REGION_END - STUBS) // SIZE
    assert filled(StubsProgram(monkeypatch), places).entries() == stubs(places)


def test_out_of_line_stubs_end_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take the rest of the section, and no zero funcdata is between."""
    program = filled(StubsProgram(monkeypatch, ool_stubs=STUBS + 4 * SIZE), 6)
    assert program.entries() == stubs(4)


def test_out_of_line_stubs_somewhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    program = filled(StubsProgram(monkeypatch, ool_stubs=STUBS - 8), 2)
    assert program.entries() == stubs(2)


def test_the_count_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux 6.18 and later, where a stub in use may have a funcdata of 0."""
    program = filled(StubsProgram(monkeypatch, stub_count=3), 5)
    program.put_stub(1, 0)
    assert [number for _, number, _, _ in program.entries()] == [0, 1, 2]


@pytest.mark.parametrize("count", [1000, 1 << 31, (1 << 64) - 1])
def test_absurd_count_stays_in_the_modules_memory(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    program = StubsProgram(monkeypatch, stub_count=count)
    assert len(program.entries()) == (REGION_END - STUBS) // SIZE


def test_absurd_out_of_line_stubs(monkeypatch: pytest.MonkeyPatch) -> None:
    program = StubsProgram(monkeypatch, ool_stubs=1 << 60)
    with pytest.raises(WalkError, match="stubs of lib at 0x2000 have no sensible end"):
        program.entries()


def test_stubs_in_memory_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    program = StubsProgram(monkeypatch)
    program.regions = [(0x8000, 0x1000)]
    with pytest.raises(WalkError, match="stubs of lib at 0x2000 are in no memory of its own"):
        program.entries()


def test_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    program = StubsProgram(monkeypatch)
    program.regions = [(STUBS, 2 * 0x1000)]
    with pytest.raises(FaultError):
        program.entries()


def test_no_section(monkeypatch: pytest.MonkeyPatch) -> None:
    program = StubsProgram(monkeypatch)
    found = module_stub_entries(program.module, {})
    assert len(found) == 0
    assert found.dtype["address"] == np.uint64
