# SPDX-License-Identifier: GPL-2.0-or-later
"""
Registers of CPUs, against the guest's console, the kernel's own symbols and what drgn reads.

What an oops printed of them is compared in test_panic.py.
"""

import dataclasses
import os
import re
import struct
from pathlib import Path

import pytest
from drgn import Program

from klp_debug.result.registers import CpuRegisters, Registers
from klp_debug.result.unknown import Unknown
from klp_debug.targets.notes import prstatus_notes
from klp_debug.targets.open_core_file import open_core_file
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from klp_debug.targets.registers import cpu_registers
from klp_debug.targets.target import Target
from tests.conftest import Captured
from tests.support.made_core import elf, prstatus_note
from tests.support.patched_dumps import on_patched_dumps
from tests.support.tier import cases
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab

MSR_SF, MSR_LE = 1 << 63, 1
IDLE = {"do_idle", "cpu_startup_entry", "arch_cpu_idle", "default_idle_call"}
"""What an idle CPU is in, maybe with an interrupt on top."""
SAVERS = ("__crash_kexec", "crash_kexec")
"""Who calls ``crash_setup_regs()``, where registers are saved without an exception."""
USER = 0x800000000280F033
"""MSR in user mode."""
KERNEL = 0x8000000000009033


def opened(captures: CaptureSet, kind: str) -> Target:
    return open_target(
        TargetOptions(core=captures.path(kind), symbols=(captures.image.kernel.vmlinux,))
    )


def function_at(captures: CaptureSet, address: int) -> str:
    """Name the function at an address by the guest's kallsyms."""
    text = [symbol for symbol in captures.oracle.kallsyms if symbol.type in "tT"]
    return max((s.address, s.name) for s in text if s.address <= address)[1]


def back_chain(prog: Program, sp: int) -> list[int]:
    """Return the stack pointers from one up, as far as the chain leads up."""
    chain = [sp]
    for _ in range(100):
        (up,) = struct.unpack("<Q", prog.read(chain[-1], 8))
        if up <= chain[-1]:
            break
        chain.append(up)
    return chain


def callers(prog: Program, sp: int) -> list[int]:
    """Return the return addresses from a frame on, also from an interrupt's own stack."""
    found: dict[int, int] = {}
    while sp and sp not in found and len(found) < 100:
        sp_of_caller, _, found[sp] = struct.unpack("<3Q", prog.read(sp, 24))
        sp = sp_of_caller
    # The last frame of a stack has none.
    return [address for address in found.values() if address >= 0xC000000000000000]


def crash_of(captures: CaptureSet) -> tuple[int, list[int]]:
    """Return the CPU that panicked by the console, and the stack pointers of its call trace."""
    log = captures.console_log.read_text(errors="replace")
    _, _, report = log.partition("Kernel panic - not syncing")
    report, _, _ = report.partition("--- interrupt")
    (cpu,) = re.findall(r"CPU: (\d+) (?:UID: \d+ )?PID: \d+ Comm: sh ", report)
    frames = re.findall(r"\] \[(c[0-9a-f]{15})\] \[c[0-9a-f]{15}\]", report)
    assert len(frames) > 5
    return int(cpu), [int(frame, 16) for frame in frames]


@on_patched_dumps("kdump", "elf")
def test_registers_of_a_crash(captured: Captured, kernel: str, mmu: str, kind: str) -> None:
    captures = captured("patched", mmu, kernel)
    target = opened(captures, kind)
    registers = cpu_registers(target)
    assert registers.problems == ()
    assert [one.cpu for one in registers.cpus] == [0, 1]
    assert {one.saved_by for one in registers.cpus} == {"kernel"}
    assert all(one.msr & MSR_SF and one.msr & MSR_LE for one in registers.cpus)

    cpu, frames = crash_of(captures)
    crashed, other = registers.of(cpu), registers.of(1 - cpu)
    assert isinstance(crashed, Registers)
    assert isinstance(other, Registers)
    # The first of the trace is dump_stack()'s own, which had returned by then.
    assert set(frames[1:]) <= set(back_chain(target.prog, crashed.gpr[1]))
    assert function_at(captures, crashed.nip) in SAVERS
    # The other was idle, and stopped by the system reset that serves as an NMI.
    assert other.trap == 0x100
    assert IDLE & {function_at(captures, pc) for pc in callers(target.prog, other.gpr[1])}
    assert isinstance(registers.of(2), Unknown)


@on_patched_dumps("qemu-elf", "qemu-kdump")
def test_registers_of_a_guest_that_ran(
    captured: Captured, kernel: str, mmu: str, kind: str
) -> None:
    captures = captured("patched", mmu, kernel)
    target = opened(captures, kind)
    registers = cpu_registers(target)
    assert registers.problems == ()
    assert [one.cpu for one in registers.cpus] == [0, 1]
    for one in registers.cpus:
        assert one.saved_by == "QEMU"
        assert (one.trap, one.dar, one.dsisr) == (None, None, None)
        assert one.msr & MSR_SF
        assert one.msr & MSR_LE
        # The paca holds the current task of its CPU.
        stack = target.prog["paca_ptrs"][one.cpu].__current.stack.value_()
        assert stack < one.gpr[1] < stack + 0x8000
        assert one.gpr[13] == target.prog["paca_ptrs"][one.cpu].value_()


@pytest.mark.parametrize(("kernel", "mmu"), cases("patched"))
def test_agrees_with_what_drgn_reads_of_the_notes(
    captured: Captured, kernel: str, mmu: str
) -> None:
    captures = captured("patched", mmu, kernel)
    path = captures.path("elf")
    target = opened(captures, "elf")
    cpu, _ = crash_of(captures)
    ours = cpu_registers(target).of(cpu)
    assert isinstance(ours, Registers)
    # drgn takes the note from the file, and the CPU from panic_cpu.
    theirs = target.prog.crashed_thread().stack_trace()[0].registers()
    assert [theirs[f"r{number}"] for number in range(32)] == list(ours.gpr)
    # It keeps each field of CR where it is in the word.
    assert sum(theirs[f"cr{field}"] for field in range(8)) == ours.ccr
    # So does the file that makedumpfile made of the same memory, and the note in either file.
    assert cpu_registers(opened(captures, "kdump")) == cpu_registers(target)
    for file in (path, captures.path("kdump")):
        statuses = list(prstatus_notes(*open_core_file(file).notes()))
        assert [status.gpr for status in statuses] == [
            one.gpr for one in cpu_registers(target).cpus
        ]


class TestWithoutCrashNotes:
    """Notes whose CPU only r13 or their order tells; the memory is that of a guest that ran."""

    @pytest.fixture
    def target(self, captured: Captured) -> Target:
        return opened(captured("patched"), "qemu-elf")

    def read(self, target: Target, path: Path, *notes: bytes) -> CpuRegisters:
        path.write_bytes(elf(notes=b"".join(notes)))
        return cpu_registers(dataclasses.replace(target, core=open_core_file(path)))

    def note(self, mark: int, *, msr: int, r13: int) -> bytes:
        values = [mark, *range(31), mark, msr, *[0] * 10]
        values[13] = r13
        return prstatus_note(values)

    def paca(self, target: Target, cpu: int) -> int:
        return int(target.prog["paca_ptrs"][cpu].value_())

    def test_told_by_the_paca(self, target: Target, tmp_path: Path) -> None:
        one = self.note(0xA, msr=KERNEL, r13=self.paca(target, 1))
        other = self.note(0xB, msr=KERNEL, r13=self.paca(target, 0))
        found = self.read(target, tmp_path / "core", one, other)
        assert [(cpu.cpu, cpu.nip) for cpu in found.cpus] == [(0, 0xB), (1, 0xA)]
        assert found.problems == ()

    def test_too_few_notes(self, target: Target, tmp_path: Path) -> None:
        one = self.note(0xA, msr=KERNEL, r13=self.paca(target, 1))
        found = self.read(target, tmp_path / "core", one)
        assert [(cpu.cpu, cpu.nip) for cpu in found.cpus] == [(1, 0xA)]
        (problem,) = found.problems
        assert problem.where == "registers of CPU 0"

    def test_user_mode_is_told_by_the_order(self, target: Target, tmp_path: Path) -> None:
        one = self.note(0xA, msr=USER, r13=self.paca(target, 1))  # any user program may hold it
        other = self.note(0xB, msr=USER, r13=0x7FFF12345678)
        found = self.read(target, tmp_path / "core", one, other)
        assert [(cpu.cpu, cpu.nip) for cpu in found.cpus] == [(0, 0xA), (1, 0xB)]
        assert found.problems == ()

    def test_user_mode_and_too_few_notes(self, target: Target, tmp_path: Path) -> None:
        one = self.note(0xA, msr=USER, r13=0x7FFF12345678)
        found = self.read(target, tmp_path / "core", one)
        assert found.cpus == ()
        assert [problem.where for problem in found.problems] == [
            "NT_PRSTATUS note 1 of 1",
            "registers of CPU 0",
            "registers of CPU 1",
        ]

    def test_two_notes_of_one_cpu(self, target: Target, tmp_path: Path) -> None:
        notes = [self.note(mark, msr=KERNEL, r13=self.paca(target, 1)) for mark in (1, 2)]
        found = self.read(target, tmp_path / "core", *notes)
        assert 1 not in [cpu.cpu for cpu in found.cpus]
        assert "registers of CPU 1" in [problem.where for problem in found.problems]

    def test_no_notes(self, target: Target, tmp_path: Path) -> None:
        found = self.read(target, tmp_path / "core")
        assert found.cpus == ()
        assert len(found.problems) == 2

    @pytest.mark.parametrize("size", [0, 100, 300])
    def test_file_cut_short_since_it_was_opened(
        self, target: Target, tmp_path: Path, size: int
    ) -> None:
        path = tmp_path / "core"
        path.write_bytes(elf(notes=self.note(1, msr=KERNEL, r13=0)))
        core = open_core_file(path)
        os.truncate(path, size)
        found = cpu_registers(dataclasses.replace(target, core=core))
        assert found.cpus == ()
        assert found.problems[0].where == "notes of the dump"

    def test_running_kernel(self, target: Target) -> None:
        found = cpu_registers(dataclasses.replace(target, core=None))
        assert found.cpus == ()
        assert [problem.what for problem in found.problems] == [
            "those of running CPUs are not read"
        ]
