# SPDX-License-Identifier: GPL-2.0-or-later
"""
The registers of each CPU, from a dump or from a stopped target.

A kernel that crashes saves the registers of its CPUs in ``crash_notes``, one note for each CPU:
that is read first, in the dump's memory, for it tells whose they are. Where it holds none (no
crash, or a firmware-assisted dump) the file's own notes are taken, whose order alone is known;
the CPU is then told by r13, which in the kernel points to the CPU's paca.

Of a stopped guest QEMU's stub tells them, in QEMU's order of the CPUs; KGDB has those that it
stopped the CPUs with in ``kgdb_info``.
"""

from collections.abc import Iterator
from dataclasses import replace

from drgn import FaultError, Object, cast
from drgn.helpers.linux.cpumask import for_each_online_cpu, for_each_possible_cpu
from drgn.helpers.linux.percpu import per_cpu_ptr

from klp_debug.errors import TargetError
from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.registers import CpuRegisters, Registers
from klp_debug.targets.core_file import CoreFile
from klp_debug.targets.gdb.stopped import StoppedKernel
from klp_debug.targets.notes import PRSTATUS_NOTE_SIZE, Prstatus, prstatus_notes
from klp_debug.targets.target import Target
from klp_debug.targets.translation import PAGE_OFFSET

MSR_PR = 1 << 14
"""Set in user mode."""
_SYSTEM_CALLS = (0xC00, 0x3000)
"""Vectors of ``sc`` and ``scv``."""
_LOCK_TOKEN = 0x8000
"""What ``paca_struct.lock_token`` holds always (``initialise_paca()``)."""


def cpu_registers(target: Target) -> CpuRegisters:
    """Return the registers of the target's CPUs; what is missing is among the problems."""
    if target.stopped is None and target.core is None:
        return CpuRegisters((), (Problem("registers", "those of running CPUs are not read"),))
    return _Reader(target).read()


class _Reader:
    def __init__(self, target: Target) -> None:
        self._target = target
        self._prog = target.prog
        self._found: dict[int, Registers] = {}
        self._problems: list[Problem] = []

    def read(self) -> CpuRegisters:
        try:
            possible = list(for_each_possible_cpu(self._prog))
            online = list(for_each_online_cpu(self._prog))
        except (FaultError, LookupError) as error:
            self._note("CPUs", f"which there are cannot be read: {error}")
            return self._answer()
        if self._target.stopped is not None:
            self._read_stopped(self._target.stopped, possible, online)
            return self._answer()
        self._read_crash_notes(possible)
        if self._target.core is not None and any(cpu not in self._found for cpu in online):
            self._read_core_notes(self._target.core, possible, online)
        for cpu in online:
            if cpu not in self._found:
                self._note(f"registers of CPU {cpu}", "the dump has no NT_PRSTATUS note of it")
        return self._answer()

    def _read_stopped(
        self, debugger: StoppedKernel, possible: list[int], online: list[int]
    ) -> None:
        if debugger.kind == "KGDB":
            for cpu in online:
                self._read_kgdb_info(cpu)
            return
        statuses = debugger.registers()
        exceptions = debugger.exceptions()
        for cpu, status in self._assign(statuses, possible, online, "CPU of QEMU's"):
            registers = _registers(cpu, status, by_qemu=True)
            number = next(n for n, each in enumerate(statuses) if each is status)
            if number < len(exceptions):
                srr0, srr1 = map(Address, exceptions[number])
                registers = replace(registers, srr0=srr0, srr1=srr1)
            self._found[cpu] = registers

    def _read_kgdb_info(self, cpu: int) -> None:
        """Read what a CPU was stopped with (``kgdb_cpu_enter()`` in kernel/debug/debug_core.c)."""
        try:
            saved = self._prog["kgdb_info"][cpu].debuggerinfo.read_()
            if not saved:
                self._note(f"registers of CPU {cpu}", "KGDB did not stop it")
                return
            regs = cast("struct pt_regs *", saved).read_()
            self._found[cpu] = _registers(cpu, _prstatus(regs), by_qemu=False)
        except (FaultError, LookupError, AttributeError) as error:
            self._note(f"registers of CPU {cpu}", f"cannot be read: {error}")

    def _answer(self) -> CpuRegisters:
        cpus = tuple(self._found[cpu] for cpu in sorted(self._found))
        return CpuRegisters(cpus, tuple(self._problems))

    def _note(self, where: str, what: str) -> None:
        self._problems.append(Problem(where, what))

    def _read_crash_notes(self, possible: list[int]) -> None:
        """
        Read what the kernel saved, CPU by CPU.

        Source: ``crash_save_cpu()`` in kernel/kexec_core.c (kernel/crash_core.c, later
        kernel/vmcore_info.c).
        """
        try:
            notes = self._prog["crash_notes"].read_()
        except LookupError:
            return  # built without kexec
        except FaultError as fault:
            self._note("crash_notes", f"cannot be read: {fault}")
            return
        if not notes:
            return
        for cpu in possible:
            try:
                address = per_cpu_ptr(notes, cpu).value_()
                data = self._prog.read(address, PRSTATUS_NOTE_SIZE)
            except FaultError as fault:
                self._note(f"crash_notes of CPU {cpu}", f"cannot be read: {fault}")
                continue
            for status in prstatus_notes(data, "<"):
                self._found[cpu] = _registers(cpu, status, by_qemu=False)

    def _read_core_notes(self, core: CoreFile, possible: list[int], online: list[int]) -> None:
        """Read the file's own notes, for the CPUs that have none in ``crash_notes``."""
        try:
            statuses = list(prstatus_notes(*core.notes()))
        except OSError as error:
            self._note("notes of the dump", f"cannot be read: {error.strerror}")
            return
        except TargetError as error:
            self._note("notes of the dump", f"cannot be read: {error}")
            return
        for cpu, status in self._assign(statuses, possible, online, "NT_PRSTATUS note"):
            self._found.setdefault(cpu, _registers(cpu, status, by_qemu=core.kind.by_qemu))

    def _assign(
        self, statuses: list[Prstatus], possible: list[int], online: list[int], what: str
    ) -> Iterator[tuple[int, Prstatus]]:
        """Say whose the registers are: by r13, else by the order if each CPU has some."""
        told = [self._cpu_of(status) for status in statuses]
        for index, (cpu, status) in enumerate(zip(told, statuses, strict=True)):
            if cpu in possible and told.count(cpu) == 1:
                yield cpu, status
            elif len(statuses) == len(online) and online[index] not in told:
                yield online[index], status
            else:
                self._note(
                    f"{what} {index + 1} of {len(statuses)}",
                    f"which CPU of the kernel it is cannot be told: r13 is {status.gpr[13]:#x}, and"
                    f" {len(online)} CPUs are online",
                )

    def _cpu_of(self, status: Prstatus) -> int:
        """Return the number of the CPU by its paca, -1 if r13 points to none."""
        if status.msr & MSR_PR or status.gpr[13] < PAGE_OFFSET:
            return -1
        try:
            paca = Object(self._prog, "struct paca_struct *", status.gpr[13])
            if paca.lock_token.value_() != _LOCK_TOKEN:
                return -1
            return int(paca.paca_index.value_())
        except (FaultError, LookupError, AttributeError):
            return -1


def _prstatus(regs: Object) -> Prstatus:
    """Take registers from a ``struct pt_regs``."""
    fields = ("nip", "msr", "orig_gpr3", "ctr", "link", "xer", "ccr", "softe", "trap", "dar")
    values = {name: int(getattr(regs, name).value_()) for name in (*fields, "dsisr", "result")}
    return Prstatus(gpr=tuple(map(int, regs.gpr.value_())), **values)


def _registers(cpu: int, status: Prstatus, *, by_qemu: bool) -> Registers:
    return Registers(
        cpu=cpu,
        gpr=tuple(Address(value) for value in status.gpr),
        nip=Address(status.nip),
        msr=Address(status.msr),
        ctr=Address(status.ctr),
        link=Address(status.link),
        xer=Address(status.xer),
        ccr=Address(status.ccr),
        # QEMU leaves zeros there.
        trap=None if by_qemu else Address(status.trap),
        dar=None if by_qemu else Address(status.dar),
        dsisr=None if by_qemu else Address(status.dsisr),
        cfar=_cfar(status) if not by_qemu else None,
        saved_by="QEMU" if by_qemu else "kernel",
    )


def _cfar(status: Prstatus) -> Address | None:
    """
    Return what the entry of an exception saved of CFAR; 0 is a CPU that has none.

    In ``orig_gpr3``, but for a system call (``__show_regs()`` in arch/powerpc/kernel/process.c),
    and where there was no exception (``crash_setup_regs()``) that holds nothing.
    """
    if status.trap & ~0xF in (0, *_SYSTEM_CALLS) or not status.orig_gpr3:
        return None
    return Address(status.orig_gpr3)
