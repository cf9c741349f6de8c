# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens any target: one function, whatever the bytes come from."""

import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from drgn import Architecture, BadDataError, FaultError, Platform, PlatformFlags, Program

from klp_debug.result.kernel import Mmu
from klp_debug.result.problem import Problem
from klp_debug.target.core_file import CoreKind, identify
from klp_debug.target.debug_info import (
    SymbolFile,
    choose_vmlinux,
    load_modules,
    load_vmlinux,
    symbol_files,
)
from klp_debug.target.disk_dump import add_kdump_memory
from klp_debug.target.errors import TargetError
from klp_debug.target.gdb.build import running_vmlinux, vmcoreinfo_of
from klp_debug.target.gdb.memory import (
    StubMemory,
    add_physical_memory,
    add_virtual_memory,
    read_linear_map,
)
from klp_debug.target.gdb.session import GdbOptions, GdbSession
from klp_debug.target.options import TargetOptions
from klp_debug.target.qemu_elf import add_qemu_elf_memory
from klp_debug.target.qmp import Qmp
from klp_debug.target.target import Target
from klp_debug.target.translation import add_linear_map, add_vmalloc
from klp_debug.target.vmcoreinfo import Vmcoreinfo, find_vmcoreinfo

_UNKNOWN_TO_LIBKDUMPFILE = 4096
"""A page size, in bytes, that it does not read of ppc64."""
_MMU_FTR_TYPE_RADIX = 0x40  # arch/powerpc/include/asm/mmu.h

_PPC64LE = Platform(Architecture.PPC64, PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN)


_DRGN_ERRORS = (BadDataError, FaultError, ValueError)


@dataclass(frozen=True, slots=True)
class _Attached:
    """A target of which no debugging information is loaded yet."""

    prog: Program
    source: str
    vmcoreinfo: Vmcoreinfo
    by_physical: bool = True
    """Whether physical memory is read; else the whole of virtual memory can be."""


def open_target(options: TargetOptions, tell: Callable[[str], None] = lambda _: None) -> Target:
    """
    Open a target and load its debugging information.

    :param tell: is told what becomes of a target that a debugger stopped
    :raises TargetError: if that cannot be done; the message says why in one sentence
    """
    named = [options.core is not None, options.kernel, (options.qemu or options.gdb) is not None]
    if sum(named) != 1:
        raise TargetError(
            "name one target: --core PATH, --kernel, --qemu SOCKET, --gdb STUB, or the last two"
            " for the same guest"
        )
    files = list(symbol_files(options.symbols))
    given = _read_vmcoreinfo(options.vmcoreinfo) if options.vmcoreinfo else None
    if options.gdb is not None:
        return _open_stopped(options, options.gdb, files, given, tell)
    if options.core is not None:
        attached = _open_core(options.core, given)
    elif options.qemu is not None:
        attached = _open_qemu(options.qemu, _connect_qmp(options.qemu), given, live=True)
    else:
        attached = _open_running_kernel(given)
    _load_kernel(attached, files, options)
    return _finish(attached, files, options)


def _open_stopped(
    options: TargetOptions,
    gdb: GdbOptions,
    files: list[SymbolFile],
    given: Vmcoreinfo | None,
    tell: Callable[[str], None],
) -> Target:
    """Open a target that is stopped by its stub until it is closed, or until opening fails."""
    with ExitStack() as stack:
        if options.qemu is None:
            session = GdbSession(gdb, tell)
            stack.callback(session.close)
            attached = _open_stub(session, files, options, given)
            _load_kernel(attached, files, options)
        else:
            # What takes long is done before the guest is stopped.
            qmp = _connect_qmp(options.qemu)
            attached = _open_qemu(options.qemu, qmp, given, live=False)
            _load_kernel(attached, files, options)
            session = GdbSession(gdb, tell, qmp.resume)
            stack.callback(session.close)
            _same_guest(attached.prog, session)
        target = _finish(attached, files, options, session)
        session.check()
        stack.pop_all()
        return target


def _open_stub(
    session: GdbSession,
    files: list[SymbolFile],
    options: TargetOptions,
    given: Vmcoreinfo | None,
) -> _Attached:
    def read(address: int, size: int) -> bytes:
        return read_linear_map(session, address, size)

    directory = options.kernel_directory
    vmlinux = running_vmlinux([*files, *symbol_files([directory] if directory else [])], read)
    vmcoreinfo = given or vmcoreinfo_of(vmlinux, read)
    prog = Program(_PPC64LE)
    if session.kind == "QEMU":
        add_physical_memory(prog, session)
        prog.set_linux_kernel_custom(vmcoreinfo.text, False)
        return _Attached(prog, "QEMU guest, stopped by GDB", vmcoreinfo)
    prog.set_linux_kernel_custom(vmcoreinfo.text, False)
    add_virtual_memory(prog, session)
    return _Attached(prog, "kernel in KGDB", vmcoreinfo, by_physical=False)


def _same_guest(prog: Program, session: GdbSession) -> None:
    """
    See that QMP and the stub are of one guest, by what changes from moment to moment.

    :raises TargetError: if they are not
    """
    place = prog["jiffies_64"].address_
    assert place is not None
    if session.kind != "QEMU" or prog.read(place, 8) != read_linear_map(session, place, 8):
        raise TargetError("--qemu and --gdb name different guests")


def _read_vmcoreinfo(path: Path) -> Vmcoreinfo:
    try:
        return Vmcoreinfo.from_bytes(path.read_bytes())
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None


def _open_core(path: Path, given: Vmcoreinfo | None) -> _Attached:
    kind = identify(path)
    if kind in (CoreKind.QEMU_ELF, CoreKind.QEMU_KDUMP):
        prog = Program(_PPC64LE)
        add_memory = add_qemu_elf_memory if kind is CoreKind.QEMU_ELF else add_kdump_memory
        add_memory(prog, path)
        vmcoreinfo = given or find_vmcoreinfo(prog)
        prog.set_linux_kernel_custom(vmcoreinfo.text, False)
        return _Attached(prog, kind.value, vmcoreinfo)
    prog = Program(vmcoreinfo=given.text if given else None)
    with _drgn_errors(str(path)):
        prog.set_core_dump(path)
    vmcoreinfo = given or _own_vmcoreinfo(prog)
    if kind is CoreKind.KDUMP and vmcoreinfo.page_size == _UNKNOWN_TO_LIBKDUMPFILE:
        add_kdump_memory(prog, path)
    return _Attached(prog, kind.value, vmcoreinfo)


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


def _open_running_kernel(given: Vmcoreinfo | None) -> _Attached:
    machine = platform.machine()
    if machine != "ppc64le":
        raise TargetError(f"this machine's own kernel is {machine}; klp-debug reads ppc64le")
    prog = Program(vmcoreinfo=given.text if given else None)
    with _drgn_errors("/proc/kcore"):
        prog.set_kernel()
    return _Attached(prog, "running kernel", given or _own_vmcoreinfo(prog))


def _connect_qmp(address: str) -> Qmp:
    with _drgn_errors(address):
        return Qmp(address)


def _open_qemu(address: str, qmp: Qmp, given: Vmcoreinfo | None, *, live: bool) -> _Attached:
    prog = Program()
    with _drgn_errors(address):
        qmp.attach(prog)
    vmcoreinfo = given or find_vmcoreinfo(prog)
    prog.set_linux_kernel_custom(vmcoreinfo.text, live)
    return _Attached(prog, "QEMU guest" if live else "QEMU guest, stopped by GDB", vmcoreinfo)


def _load_kernel(attached: _Attached, files: list[SymbolFile], options: TargetOptions) -> None:
    """Make the linear map readable by virtual address and load vmlinux."""
    vmlinux = choose_vmlinux(files, attached.vmcoreinfo.build_id)
    if attached.by_physical:
        add_linear_map(attached.prog)
    load_vmlinux(attached.prog, vmlinux, options.kernel_directory)


def _finish(
    attached: _Attached,
    files: list[SymbolFile],
    options: TargetOptions,
    session: GdbSession | None = None,
) -> Target:
    """Make all kernel memory readable by virtual address and load the modules."""
    prog, vmcoreinfo = attached.prog, attached.vmcoreinfo
    problems = []
    page_size = vmcoreinfo.page_size
    try:
        mmu = _mmu(prog, vmcoreinfo)
    except FaultError as fault:
        raise TargetError(f"the MMU of the target cannot be told: {fault}") from None
    writable = None
    try:
        if attached.by_physical:
            add_vmalloc(prog, page_size)
        if session is not None:
            writable = StubMemory(session, prog, page_size)
    except (FaultError, LookupError, ValueError) as error:
        problems.append(Problem("vmalloc memory", f"cannot be translated: {error}"))
    try:
        load_modules(prog, files, options.kernel_directory)
    except FaultError as fault:
        problems.append(Problem("list of modules", f"cannot be read: {fault}"))
    main = prog.main_module()
    return Target(
        prog=prog,
        source=attached.source,
        vmcoreinfo=vmcoreinfo,
        vmlinux=Path(main.debug_file_path or main.loaded_file_path or ""),
        build_id=main.build_id.hex() if main.build_id else vmcoreinfo.build_id,
        mmu=mmu,
        page_size=page_size,
        core=options.core,
        problems=problems,
        debugger=session,
        writable=writable,
    )


def _mmu(prog: Program, vmcoreinfo: Vmcoreinfo) -> Mmu:
    """Tell the MMU mode; a hash boot clears the radix bit (``mmu_early_init_devtree()``)."""
    if vmcoreinfo.says_radix:
        return "radix"
    features = prog["cur_cpu_spec"].mmu_features.value_()
    return "radix" if features & _MMU_FTR_TYPE_RADIX else "hash"
