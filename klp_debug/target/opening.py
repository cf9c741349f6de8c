# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens any target: one function, whatever the bytes come from."""

import platform
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drgn import Architecture, BadDataError, FaultError, Platform, PlatformFlags, Program

from klp_debug.result.problem import Problem
from klp_debug.target.core_file import CoreKind, identify
from klp_debug.target.debug_info import (
    SymbolFile,
    choose_vmlinux,
    load_modules,
    load_vmlinux,
    symbol_files,
)
from klp_debug.target.disk_dump import UNKNOWN_TO_LIBKDUMPFILE, add_kdump_memory
from klp_debug.target.errors import TargetError
from klp_debug.target.kernel_memory import without_help
from klp_debug.target.options import TargetOptions
from klp_debug.target.qemu_elf import add_qemu_elf_memory
from klp_debug.target.target import Target
from klp_debug.target.translation import add_linear_map, add_vmalloc, mmu_mode
from klp_debug.target.vmcoreinfo import Vmcoreinfo, find_vmcoreinfo

_PATIENCE = 5.0
"""Seconds that a QMP socket has to greet its client."""

_PPC64LE = Platform(Architecture.PPC64, PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN)


_DRGN_ERRORS = (BadDataError, FaultError, ValueError)


@without_help()
def open_target(options: TargetOptions) -> Target:
    """
    Open a target and load its debugging information.

    :raises TargetError: if that cannot be done; the message says why in one sentence
    """
    chosen = [options.core is not None, options.kernel, options.qemu is not None]
    if sum(chosen) != 1:
        raise TargetError("name one target: --core PATH, --kernel or --qemu SOCKET")
    files = list(symbol_files(options.symbols))
    given = _read_vmcoreinfo(options.vmcoreinfo) if options.vmcoreinfo else None
    if options.core is not None:
        prog, source, vmcoreinfo = _open_core(options.core, given)
    elif options.kernel:
        prog, source, vmcoreinfo = _open_running_kernel(given)
    else:
        assert options.qemu is not None
        prog, source, vmcoreinfo = _open_qemu(options.qemu, given)
    return _finish(prog, source, vmcoreinfo, files, options)


def _read_vmcoreinfo(path: Path) -> Vmcoreinfo:
    try:
        return Vmcoreinfo.from_bytes(path.read_bytes())
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None


def _open_core(path: Path, given: Vmcoreinfo | None) -> tuple[Program, str, Vmcoreinfo]:
    kind = identify(path)
    if kind in (CoreKind.QEMU_ELF, CoreKind.QEMU_KDUMP):
        prog = Program(_PPC64LE)
        add_memory = add_qemu_elf_memory if kind is CoreKind.QEMU_ELF else add_kdump_memory
        add_memory(prog, path)
        vmcoreinfo = given or find_vmcoreinfo(prog)
        prog.set_linux_kernel_custom(vmcoreinfo.text, False)
        return prog, kind.value, vmcoreinfo
    prog = Program(vmcoreinfo=given.text if given else None)
    with _drgn_errors(str(path)):
        prog.set_core_dump(path)
    vmcoreinfo = given or _own_vmcoreinfo(prog)
    if kind is CoreKind.KDUMP and vmcoreinfo.page_size == UNKNOWN_TO_LIBKDUMPFILE:
        add_kdump_memory(prog, path)
    return prog, kind.value, vmcoreinfo


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


def _open_running_kernel(given: Vmcoreinfo | None) -> tuple[Program, str, Vmcoreinfo]:
    machine = platform.machine()
    if machine != "ppc64le":
        raise TargetError(f"this machine's own kernel is {machine}; klp-debug reads ppc64le")
    prog = Program(vmcoreinfo=given.text if given else None)
    with _drgn_errors("/proc/kcore"):
        prog.set_kernel()
    return prog, "running kernel", given or _own_vmcoreinfo(prog)


def _await_greeting(address: str) -> None:
    """
    See that a QMP socket answers, for drgn would wait for ever.

    QEMU serves one client at a time: a second one is connected but not greeted.

    :raises TargetError: if it does not
    """
    with _drgn_errors(address), _connect(address) as connection:
        try:
            connection.recv(1)
        except TimeoutError:
            raise TargetError(
                f"{address} does not answer: QMP serves one client at a time, and another"
                " may be connected"
            ) from None


def _connect(address: str) -> socket.socket:
    """
    Connect to a QMP socket, told apart as drgn does: a host's name begins with no / or dot.

    :raises OSError: if nothing listens there
    """
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and not host.startswith(("/", ".")):
        return socket.create_connection((host or "localhost", int(port)), _PATIENCE)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_PATIENCE)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def _open_qemu(address: str, given: Vmcoreinfo | None) -> tuple[Program, str, Vmcoreinfo]:
    _await_greeting(address)
    prog = Program()
    with _drgn_errors(address):
        prog.set_qemu_qmp(address)
    vmcoreinfo = given or find_vmcoreinfo(prog)
    prog.set_linux_kernel_custom(vmcoreinfo.text, True)
    return prog, "QEMU guest", vmcoreinfo


def _finish(
    prog: Program,
    source: str,
    vmcoreinfo: Vmcoreinfo,
    files: list[SymbolFile],
    options: TargetOptions,
) -> Target:
    """Make kernel memory readable by virtual address and load debugging information."""
    vmlinux = choose_vmlinux(files, vmcoreinfo.build_id)
    add_linear_map(prog)
    load_vmlinux(prog, vmlinux, options.kernel_directory)
    problems = []
    page_size = vmcoreinfo.page_size
    try:
        mmu = mmu_mode(prog, vmcoreinfo)
    except FaultError as fault:
        raise TargetError(f"the MMU of the target cannot be told: {fault}") from None
    try:
        add_vmalloc(prog, page_size)
    except (FaultError, LookupError, ValueError) as error:
        problems.append(Problem("vmalloc memory", f"cannot be translated: {error}"))
    try:
        load_modules(prog, files, options.kernel_directory)
    except FaultError as fault:
        problems.append(Problem("list of modules", f"cannot be read: {fault}"))
    main = prog.main_module()
    return Target(
        prog=prog,
        source=source,
        vmcoreinfo=vmcoreinfo,
        vmlinux=Path(main.debug_file_path or main.loaded_file_path or ""),
        build_id=main.build_id.hex() if main.build_id else vmcoreinfo.build_id,
        mmu=mmu,
        page_size=page_size,
        core=options.core,
        problems=problems,
    )
