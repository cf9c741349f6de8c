# SPDX-License-Identifier: GPL-2.0-or-later
"""
Adds to a program that drgn itself opened what drgn cannot do with it.

drgn opens a dump first and loads vmlinux's debugging information later, but only that tells how
vmalloc memory is mapped: so it is looked up at the first read that needs it.
"""

from collections.abc import Callable

from drgn import Architecture, FaultError, PlatformFlags, Program, ProgramFlags

from klp_debug.errors import TargetError
from klp_debug.targets.core_file import CoreKind
from klp_debug.targets.helping import is_helped
from klp_debug.targets.open_core_file import core_file_of
from klp_debug.targets.translation import (
    LINEAR_MAP_SIZE,
    PAGE_OFFSET,
    KernelTranslation,
    mmu_mode,
    read_linear,
    read_physical,
)
from klp_debug.targets.vmcoreinfo import Vmcoreinfo, find_vmcoreinfo

# vmalloc memory is at 0xc..., on hash kernels before 5.2 at 0xd...
_SIZE = 2 << 60

Say = Callable[[str], None]
"""Takes one sentence for the user."""


def is_ppc64le(prog: Program) -> bool:
    """Return whether a program is of little-endian 64-bit PowerPC."""
    platform = prog.platform
    return (
        platform is not None
        and platform.arch == Architecture.PPC64
        and PlatformFlags.IS_LITTLE_ENDIAN in platform.flags
    )


def complete_memory(prog: Program, say: Say) -> None:
    """
    Make the memory of a ppc64le kernel readable by virtual address, where drgn by itself fails.

    To be called when the program has got its target and before its debugging information is
    loaded. It does nothing with what is no ppc64le kernel, or needs no help.

    :param say: is told at once what a dump lacks, and what was added when it is first of use
    :raises TargetError: if the target is one that drgn cannot be helped with
    """
    if not is_helped():
        return
    if ProgramFlags.IS_LINUX_KERNEL not in prog.flags:
        if prog.core_dump_path is not None:
            _refuse_qemu_dump(prog)
        elif ProgramFlags.IS_LIVE in prog.flags and is_ppc64le(prog):
            _complete_qemu(prog, say)
        return
    # A running kernel is read through /proc/kcore, which has all virtual addresses.
    if ProgramFlags.IS_LIVE in prog.flags or not is_ppc64le(prog):
        return
    core = core_file_of(prog)
    if core is None:
        return
    # Not the file's: who opened the program may have given another.
    vmcoreinfo = Vmcoreinfo.from_bytes(prog["VMCOREINFO"].string_())
    for lack in core.not_whole:
        say(f"this dump is {lack}")
    core.correct_memory(prog)
    if core.kind is not CoreKind.KDUMP and vmcoreinfo.says_radix:
        return
    reads_radix = core.kind is CoreKind.ELF
    _LazyMemory(prog, vmcoreinfo, say, core.kind.value, drgn_reads_radix=reads_radix).add()


def _refuse_qemu_dump(prog: Program) -> None:
    """
    Refuse what QEMU's ``dump-guest-memory`` writes of a ppc64le guest.

    It has a big-endian header and no vmcoreinfo, so drgn takes it for that of a big-endian
    process; by now that cannot be changed.

    :raises TargetError: if it is one
    """
    if prog.platform is None or prog.platform.arch != Architecture.PPC64:
        return
    core = core_file_of(prog)
    if core is not None and core.kind is CoreKind.QEMU_ELF:
        raise TargetError(
            f"drgn cannot read {core.path}, a memory dump of QEMU's: `klp-debug drgn` can, and"
            " gives you drgn's prompt for it"
        )


def _complete_qemu(prog: Program, say: Say) -> None:
    """
    Make a QEMU guest, of which drgn sees only physical memory, a Linux kernel.

    :raises TargetError: if no Linux kernel runs there
    """
    vmcoreinfo = find_vmcoreinfo(prog)
    # This calls drgn's plugins once more: now it is a running kernel, which is passed over.
    prog.set_linux_kernel_custom(vmcoreinfo.text, True)
    _LazyMemory(prog, vmcoreinfo, say, "QEMU guest", drgn_reads_radix=False).add()


class _LazyMemory:
    """Kernel virtual memory, which finds out by itself how vmalloc memory is mapped."""

    def __init__(
        self, prog: Program, vmcoreinfo: Vmcoreinfo, say: Say, what: str, *, drgn_reads_radix: bool
    ) -> None:
        self._prog = prog
        self._vmcoreinfo = vmcoreinfo
        self._say = say
        self._what = what
        self._drgn_reads_radix = drgn_reads_radix
        self._kernel: KernelTranslation | None = None
        self._looking = False

    def add(self) -> None:
        """Make the program read kernel addresses here."""
        self._prog.add_memory_segment(PAGE_OFFSET, _SIZE, self._read)

    def _read(self, address: int, count: int, offset: int, physical: bool) -> bytes:
        kernel = self._kernel
        if kernel is None:
            try:
                if offset >= LINEAR_MAP_SIZE:
                    raise FaultError("not in the linear map", address)
                return read_linear(self._prog, address, count)
            except FaultError as fault:
                kernel = self._look_up(fault)
        if address in kernel.vmalloc:
            return kernel.table.read(address, count)
        if offset >= LINEAR_MAP_SIZE:
            raise FaultError("neither in the linear map nor in vmalloc memory", address)
        return read_linear(self._prog, address, count)

    def _look_up(self, fault: FaultError) -> KernelTranslation:
        """Find the vmalloc region; reads of it come back here, for the linear map only."""
        if self._looking:
            raise fault
        self._looking = True
        try:
            mmu = mmu_mode(self._prog, self._vmcoreinfo)
            self._kernel = KernelTranslation.of(
                self._prog,
                self._vmcoreinfo.page_size,
                lambda address, size: read_physical(self._prog, address, size),
            )
        except LookupError:
            raise FaultError(
                f"{fault.args[0]}; vmlinux's debugging information, which tells how vmalloc"
                " memory is mapped, is not loaded",
                fault.address,
            ) from None
        except ValueError as error:
            raise FaultError(
                f"vmalloc memory cannot be translated: {error}", fault.address
            ) from None
        finally:
            self._looking = False
        if mmu == "hash" or not self._drgn_reads_radix:
            self._say(f"translates the kernel addresses of this {self._what} ({mmu} MMU) for drgn")
        return self._kernel
