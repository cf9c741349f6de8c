# SPDX-License-Identifier: GPL-2.0-or-later
"""Crashes, against what the guest's console said of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from drgn import Object

from klp_debug.kernel.log import for_each_log_record
from klp_debug.kernel.panic import crash, panic_message
from klp_debug.kernel.walk import WalkError
from klp_debug.result.registers import Registers
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from klp_debug.targets.registers import cpu_registers
from klp_debug.targets.target import Target
from tests.conftest import Captured
from tests.support.crashes import asked_for, has_oopsed
from tests.support.patched_dumps import on_patched_dumps
from tests.support.tier import by_tier
from vmcores.build.image import image
from vmcores.build.recipe import guest_kernels
from vmcores.guest import debugger
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab

TRAP = 0x7FE00008


@on_patched_dumps("kdump", "elf")
def test_sysrq_crash(captured: Captured, kernel: str, mmu: str, kind: str) -> None:
    captures = captured("patched", mmu, kernel)
    console = captures.console_log.read_text(errors="replace")
    (cpu, pid, comm), *_ = re.findall(r"CPU: (\d+) (?:UID: 0 )?PID: (\d+) Comm: (\S+)", console)
    (message,) = re.findall(r"Kernel panic - not syncing: (.*?)\r?\n", console)
    symbols = (captures.image.kernel.vmlinux,)
    prog = open_target(TargetOptions(core=captures.path(kind), symbols=symbols)).prog
    found = crash(prog)
    assert found is not None
    assert found.cpu == int(cpu)
    assert isinstance(found.task, Object)
    assert found.task.pid.value_() == int(pid)
    assert found.task.comm.string_().decode() == comm
    records = list(for_each_log_record(prog))
    assert panic_message(records) == message
    assert asked_for(records)
    assert not has_oopsed(prog)  # a panic is none


@on_patched_dumps("qemu-elf", "qemu-kdump")
def test_no_crash_yet(captured: Captured, kernel: str, mmu: str, kind: str) -> None:
    captures = captured("patched", mmu, kernel)
    symbols = (captures.image.kernel.vmlinux,)
    prog = open_target(TargetOptions(core=captures.path(kind), symbols=symbols)).prog
    assert crash(prog) is None
    assert not has_oopsed(prog)
    records = list(for_each_log_record(prog))
    assert panic_message(records) is None
    assert not asked_for(records)


def test_the_other_variable_and_one_that_makes_no_sense(captured: Captured) -> None:
    captures = captured("patched")
    symbols = (captures.image.kernel.vmlinux,)
    prog = open_target(TargetOptions(core=captures.path("kdump"), symbols=symbols)).prog
    found = crash(prog)
    assert found is not None
    assert found.told_by == "panic_cpu"
    panic_cpu = Object(prog, "int", -1)
    prog.register_object_finder(
        "test",
        lambda prog, name, flags, filename: panic_cpu if name == "panic_cpu" else None,
        enable_index=0,
    )
    other = crash(prog)
    assert other is not None
    assert (other.told_by, other.cpu) == ("crashing_cpu", found.cpu)
    panic_cpu = Object(prog, "int", 77)
    with pytest.raises(WalkError, match="panic_cpu is 77, which is no CPU"):
        crash(prog)


@dataclass(frozen=True)
class Oopsed:
    """A guest that oopsed, and what its console said of that."""

    target: Target
    report: str
    address: int
    """Of the instruction that did it."""


@pytest.fixture(scope="module", params=by_tier(covering=["6.1"], full=guest_kernels()))
def oopsed(request: pytest.FixtureRequest) -> Iterator[Oopsed]:
    """A guest into whose meminfo_proc_show() a trap was put; panic_on_oops makes it a crash."""
    with booted_guest(image(request.param)) as guest:
        address = guest.oracle().address("meminfo_proc_show")
        # Its first instruction, where a call by pointer enters.
        debugger.write(guest.gdb_socket, address, TRAP.to_bytes(4, "little"))
        paths = guest.crash(last="echo 1 > /proc/sys/kernel/panic_on_oops; cat /proc/meminfo")
        console = guest.machine.console_log.read_text(errors="replace").replace("\r", "")
        _, _, report = console.partition("Oops: ")
        report, _, _ = report.partition("end trace")
        symbols = (guest.image.vmlinux,)
        target = open_target(TargetOptions(core=paths["kdump"], symbols=symbols))
        yield Oopsed(target, report, address)


def test_oops(oopsed: Oopsed) -> None:
    (cpu, pid, comm), *_ = re.findall(
        r"CPU: (\d+) (?:UID: 0 )?PID: (\d+) Comm: (\S+)", oopsed.report
    )
    prog = oopsed.target.prog
    found = crash(prog)
    assert found is not None
    assert found.cpu == int(cpu)
    assert isinstance(found.task, Object)
    assert found.task.pid.value_() == int(pid)
    assert found.task.comm.string_().decode() == comm == "cat"
    assert has_oopsed(prog)
    records = list(for_each_log_record(prog))
    assert panic_message(records) == f"Oops: {oopsed.report.splitlines()[0]}"
    assert not asked_for(records)


def test_registers_of_an_oops(oopsed: Oopsed) -> None:
    """All that the oops printed of the registers is in the dump."""
    found = crash(oopsed.target.prog)
    assert found is not None
    assert isinstance(found.cpu, int)
    registers = cpu_registers(oopsed.target)
    assert registers.problems == ()
    crashed = registers.of(found.cpu)
    assert isinstance(crashed, Registers)

    # The registers of the kernel come first; those of the program that called it follow.
    said, _, _ = oopsed.report.partition("Call Trace")
    assert crashed.nip == oopsed.address == number(r"NIP: +([0-9a-f]+)", said)
    assert crashed.link == number(r"LR: +([0-9a-f]+)", said)
    assert crashed.ctr == number(r"CTR: +([0-9a-f]+)", said)
    assert crashed.trap == number(r"TRAP: +([0-9a-f]+)", said)
    assert crashed.msr == number(r"MSR: +([0-9a-f]+)", said)
    assert crashed.ccr == number(r"CR: +([0-9a-f]+) ", said)
    assert crashed.xer == number(r"XER: +([0-9a-f]+)", said)
    rows = re.findall(r"GPR\d\d: ((?:[0-9a-f]{16} ?){4})", said)
    assert [f"{value:016x}" for value in crashed.gpr] == " ".join(rows).split()


def number(pattern: str, text: str) -> int:
    match = re.search(pattern, text)
    assert match is not None, pattern
    return int(match.group(1), 16)
