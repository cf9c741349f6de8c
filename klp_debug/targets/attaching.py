# SPDX-License-Identifier: GPL-2.0-or-later
"""Attaches drgn to each kind of target, with its vmcoreinfo; symbols come after that."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from drgn import Architecture, BadDataError, FaultError, Platform, PlatformFlags, Program

from klp_debug.errors import TargetError
from klp_debug.targets.core_file import CoreFile
from klp_debug.targets.gdb.build import Build, running_build, vmcoreinfo_of
from klp_debug.targets.gdb.memory import (
    add_physical_memory,
    add_virtual_memory,
    read_linear_map,
)
from klp_debug.targets.gdb.stopped import StoppedKernel
from klp_debug.targets.qmp import Qmp
from klp_debug.targets.vmcoreinfo import Vmcoreinfo, find_vmcoreinfo

PPC64LE = Platform(Architecture.PPC64, PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN)
"""The platform of what names none."""
_DRGN_ERRORS = (BadDataError, FaultError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A target of which no debugging information is loaded yet."""

    prog: Program
    source: str
    vmcoreinfo: Vmcoreinfo
    core: CoreFile | None = None
    by_physical: bool = True
    """Whether physical memory is read; else the whole of virtual memory can be."""


def open_core(core: CoreFile, given: Vmcoreinfo | None) -> Attached:
    """
    Attach to a vmcore or a memory dump.

    :param given: vmcoreinfo to take instead of the dump's own
    :raises TargetError: if that cannot be done
    """
    if not core.by_drgn:
        prog = Program(PPC64LE)
        core.add_memory(prog)
        vmcoreinfo = given or core.vmcoreinfo or find_vmcoreinfo(prog, core.ram)
        with _drgn_errors(str(core.path)):
            prog.set_linux_kernel_custom(vmcoreinfo.text, False)
        return Attached(prog=prog, source=core.kind.value, vmcoreinfo=vmcoreinfo, core=core)
    prog = Program(vmcoreinfo=given.text if given else None)
    with _drgn_errors(str(core.path)):
        prog.set_core_dump(core.path)
    vmcoreinfo = given or core.vmcoreinfo or _own_vmcoreinfo(prog)
    core.correct_memory(prog)
    return Attached(prog=prog, source=core.kind.value, vmcoreinfo=vmcoreinfo, core=core)


@contextmanager
def _drgn_errors(what: str) -> Iterator[None]:
    """Turn drgn's errors of attaching into ours."""
    try:
        yield
    except OSError as error:
        raise TargetError(f"{what}: {error.strerror or error}") from None
    except Exception as error:
        # What libkdumpfile and libelf say reaches Python as a plain Exception.
        if type(error) is not Exception and not isinstance(error, _DRGN_ERRORS):
            raise
        raise TargetError(f"{what} cannot be opened: {error}") from None


def _own_vmcoreinfo(prog: Program) -> Vmcoreinfo:
    return Vmcoreinfo.from_bytes(prog["VMCOREINFO"].string_())


def open_running_kernel(given: Vmcoreinfo | None) -> Attached:
    """
    Attach to the running kernel.

    :param given: vmcoreinfo to take instead of the kernel's own
    :raises TargetError: if that cannot be done
    """
    machine = platform.machine()
    if machine != "ppc64le":
        raise TargetError(f"this machine's own kernel is {machine}; klp-debug reads ppc64le")
    prog = Program(vmcoreinfo=given.text if given else None)
    with _drgn_errors("/proc/kcore"):
        prog.set_kernel()
    vmcoreinfo = given or _own_vmcoreinfo(prog)
    return Attached(prog=prog, source="running kernel", vmcoreinfo=vmcoreinfo)


def connect_qmp(address: str) -> Qmp:
    """
    Connect to a QMP socket.

    :raises TargetError: if that cannot be done
    """
    with _drgn_errors(address):
        return Qmp(address)


def open_qemu(address: str, qmp: Qmp, given: Vmcoreinfo | None, *, live: bool) -> Attached:
    """
    Attach to a QEMU guest.

    :param address: what users call it
    :param given: vmcoreinfo to take instead of that in the guest's memory
    :param live: whether the guest will run while it is read
    :raises TargetError: if that cannot be done
    """
    prog = Program()
    with _drgn_errors(address):
        qmp.attach(prog)
    vmcoreinfo = given or find_vmcoreinfo(prog)
    with _drgn_errors(address):
        prog.set_linux_kernel_custom(vmcoreinfo.text, live)
    source = "QEMU guest" if live else "QEMU guest, stopped by GDB"
    return Attached(prog=prog, source=source, vmcoreinfo=vmcoreinfo)


def open_stub(session: StoppedKernel, kernels: list[Build], given: Vmcoreinfo | None) -> Attached:
    """
    Attach to a kernel that is stopped by its stub.

    :param kernels: of which the kernel may be, one at least
    :param given: vmcoreinfo to take instead of the kernel's own
    :raises TargetError: if that cannot be done
    """

    def read(address: int, size: int) -> bytes:
        return read_linear_map(session, address, size)

    build = running_build(kernels, read)
    vmcoreinfo = given or vmcoreinfo_of(build, read)
    prog = Program(PPC64LE)
    if session.kind == "QEMU":
        add_physical_memory(prog, session)
        prog.set_linux_kernel_custom(vmcoreinfo.text, False)
        return Attached(prog=prog, source="QEMU guest, stopped by GDB", vmcoreinfo=vmcoreinfo)
    prog.set_linux_kernel_custom(vmcoreinfo.text, False)
    add_virtual_memory(prog, session)
    return Attached(prog=prog, source="kernel in KGDB", vmcoreinfo=vmcoreinfo, by_physical=False)
