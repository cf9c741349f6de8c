# SPDX-License-Identifier: GPL-2.0-or-later
"""
``audit`` of a running guest that something wrote to: one fault at a time, put by QEMU's gdbstub.

Each is found, called by its name, and nothing else is. What the fault really does is asked of the
guest, where it does something that can be survived.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.cli import klp_debug_json
from tests.support.tier import by_tier
from vmcores.build.recipe import guest_kernels
from vmcores.guest import debugger
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import Oracle
from vmcores.scenarios.played_guest import oracle_of, played_guest
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

NOP = 0x60000000
TRAP = 0x7FE00008
ADDI_R12_R12 = 0x398C
"""Upper half of the instruction with the low part of where a stub leads."""
LEAF = "int_to_scsilun"
DISARMED = f"{LEAF} [scsi_common]"
IDLE = "meminfo_proc_show"
ORIGINAL = f"{LEAF} d2040b0300000000\n"
"""What the original answers in /proc/leaf_probe."""
PATCHED = f"{LEAF} a5a5a5a5a5a5a5a5\n"


class Subject:
    """A guest with live patches, and what it said of itself when nothing was wrong."""

    def __init__(self, guest: Guest, oracle: Oracle) -> None:
        self.guest = guest
        self.oracle = oracle
        self.kernel = guest.image.kernel.recipe.name

    @property
    def out_of_line(self) -> bool:
        return self.kernel.startswith("7.2")

    def ask(self, *words: str, status: int = 0) -> Any:
        target = ("--qemu", self.guest.qmp_socket, "-s", self.guest.image.vmlinux)
        return klp_debug_json(*words, *target, status=status)

    def found(self) -> list[tuple[str, str]]:
        """Return (id, subject) of what audit finds."""
        document = self.ask("audit", status=1)
        assert document["problems"] == []
        return [(finding["id"], finding["subject"]) for finding in document["findings"]]

    def leaf_says(self) -> str:
        """Return what int_to_scsilun does now when it is called."""
        return self.guest.check(f"grep {LEAF} /proc/leaf_probe")

    def hop(self, kind: str) -> int:
        """Return the address of a hop of the leaf function's call chain."""
        (address,) = (
            hop["address"] for hop in self.ask("func", LEAF)["chain"] if hop["kind"] == kind
        )
        return int(address, 16)

    def site(self, name: str, module: str | None = None) -> tuple[int, str]:
        """Return the address of a function's site, and how people call it."""
        address = int(self.ask("site", name)["site"]["address"], 16)
        offset = address - self.oracle.address(name, module)
        suffix = f" [{module}]" if module else ""
        return address, f"{name}{f'+{offset:#x}' if offset else ''}{suffix}"

    def read(self, address: int, size: int) -> int:
        data = debugger.read(self.guest.gdb_socket, address, size)
        return int.from_bytes(data, "little")

    @contextmanager
    def fault(self, address: int, value: int, *, was: int, size: int = 4) -> Iterator[None]:
        """Put a value for a while, in place of what must be there by all that is known."""
        before = debugger.write(self.guest.gdb_socket, address, value.to_bytes(size, "little"))
        try:
            assert int.from_bytes(before, "little") == was
            yield
        finally:
            debugger.write(self.guest.gdb_socket, address, before)


@pytest.fixture(scope="module", params=by_tier(covering=["6.1", "7.2"], full=guest_kernels()))
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    with played_guest(load_scenario("patched"), request.param, "radix") as guest:
        subject = Subject(guest, oracle_of(guest))
        assert subject.ask("audit")["findings"] == []
        yield subject


@pytest.fixture(autouse=True)
def _as_it_was(subject: Subject) -> Iterator[None]:
    """Nothing is found once the fault is taken back."""
    yield
    assert subject.ask("audit")["findings"] == []
    assert subject.leaf_says() == PATCHED


def test_a_trap_in_an_idle_site(subject: Subject) -> None:
    address, name = subject.site(IDLE)
    with subject.fault(address, TRAP, was=NOP):
        assert subject.found() == [("site-unknown-word", name)]


def test_an_armed_site_made_idle(subject: Subject) -> None:
    address, _ = subject.site(LEAF, "scsi_common")
    with subject.fault(address, NOP, was=subject.read(address, 4)):
        assert subject.found() == [("disarmed-by-debugger", DISARMED)]
        assert subject.leaf_says() == ORIGINAL
    assert subject.leaf_says() == PATCHED


def test_a_word_of_a_module_stub(subject: Subject) -> None:
    """Both armed sites of scsi_common go that way."""
    stub = subject.hop("stub")
    words = [subject.read(stub + 4 * index, 4) for index in range(8)]
    index = next(index for index, word in enumerate(words) if word >> 16 == ADDI_R12_R12)
    with subject.fault(stub + 4 * index, words[index] ^ 0x100, was=words[index]):
        assert subject.found() == [
            ("stub-wrong-target", "stub of scsi_common, called by 2 armed sites")
        ]


def test_a_word_of_an_out_of_line_stub(subject: Subject) -> None:
    if not subject.out_of_line:
        pytest.skip("this kernel has none")
    _, name = subject.site(LEAF, "scsi_common")
    call = subject.hop("ool-stub") + 4
    word = subject.read(call, 4)
    with subject.fault(call, word ^ 0x100, was=word):
        assert subject.found() == [("site-wrong-target", name)]


def test_a_flag_of_a_record(subject: Subject) -> None:
    _, name = subject.site(LEAF, "scsi_common")
    record = subject.ask("func", LEAF)["record"]
    flags_at = int(record["address"], 16) + 8
    flags = int(record["flags_word"], 16)
    # In every kernel of the lab: FTRACE_FL_ENABLED is bit 31, FTRACE_FL_REGS is bit 30, and
    # FTRACE_FL_REGS_EN bit 29 of include/linux/ftrace.h.
    for bit in (30, 29):
        with subject.fault(flags_at, flags ^ 1 << bit, was=flags, size=8):
            assert subject.found() == [("record-flags-mismatch", name)]


def test_the_pointer_of_a_site_to_its_ops(subject: Subject) -> None:
    if not subject.out_of_line:
        pytest.skip("the sites of this kernel have none")
    _, name = subject.site(LEAF, "scsi_common")
    pointer = subject.hop("ool-stub") - 8
    nop_ops = subject.oracle.address("ftrace_nop_ops")
    with subject.fault(pointer, nop_ops, was=subject.hop("ops"), size=8):
        assert subject.found() == [("site-wrong-ops", name)]
        assert subject.leaf_says() == ORIGINAL


def test_the_callback_of_an_ops(subject: Subject) -> None:
    """A patch's ops that calls ftrace_stub is as good as none."""
    ops = subject.hop("ops")
    handler = subject.oracle.address("klp_ftrace_handler")
    stub = subject.oracle.address("ftrace_stub")
    with subject.fault(ops, stub, was=handler, size=8):
        assert subject.found() == [("disarmed-by-debugger", DISARMED)]
        assert subject.leaf_says() == ORIGINAL
    with subject.fault(ops, handler + 4, was=handler, size=8):
        assert subject.found() == [("ops-wrong-callback", f"ftrace_ops {ops:#018x}")]
