# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens any target: one function, whatever the bytes come from."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from drgn import FaultError, Program

from klp_debug.boundary import one_sentence
from klp_debug.errors import TargetError
from klp_debug.result.common import Problem
from klp_debug.result.kernel import Mmu
from klp_debug.targets.attaching import (
    Attached,
    connect_qmp,
    open_core,
    open_qemu,
    open_running_kernel,
    open_stub,
)
from klp_debug.targets.core_file import CoreFile
from klp_debug.targets.debug_info import DebugInfo
from klp_debug.targets.drgn_log import held_warnings
from klp_debug.targets.gdb.build import builds
from klp_debug.targets.gdb.memory import StubMemory, read_linear_map
from klp_debug.targets.gdb.session import GdbOptions, GdbSession
from klp_debug.targets.gdb.stopped import StoppedKernel
from klp_debug.targets.given_symbols import GivenSymbols
from klp_debug.targets.helping import without_help
from klp_debug.targets.options import TargetOptions
from klp_debug.targets.paged_memory import add_absent
from klp_debug.targets.qmp import Qmp
from klp_debug.targets.split_dump import open_parts
from klp_debug.targets.target import Target
from klp_debug.targets.translation import (
    LINEAR_MAP_SIZE,
    PAGE_OFFSET,
    add_linear_map,
    add_vmalloc,
)
from klp_debug.targets.unrecoverable import tell_unrecoverable
from klp_debug.targets.vmcoreinfo import Vmcoreinfo

_RADIX_END = 0xD000000000000000
"""All that a radix kernel maps is below: its linear map, vmalloc, IO and vmemmap."""


@one_sentence("the target cannot be opened")
@without_help()
@held_warnings()
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
    debug_info = DebugInfo(GivenSymbols(options.symbols), options.kernel_directory)
    given = _read_vmcoreinfo(options.vmcoreinfo) if options.vmcoreinfo else None
    if options.gdb is not None:
        return _open_stopped(options.gdb, options.qemu, debug_info, given, tell)
    if options.core is not None:
        core = open_parts([options.core, *options.more_parts])
        with _blamed_on(core):
            attached = open_core(core, given)
            load_kernel(attached, debug_info)
            return finish(attached, debug_info)
    if options.qemu is not None:
        attached = open_qemu(options.qemu, connect_qmp(options.qemu), given, live=True)
    else:
        attached = open_running_kernel(given)
    load_kernel(attached, debug_info)
    return finish(attached, debug_info)


@contextmanager
def _blamed_on(core: CoreFile) -> Iterator[None]:
    """Say of a dump that cannot be used what it lacks: that may be why."""
    try:
        yield
    except TargetError as error:
        if not core.not_whole:
            raise
        raise TargetError(f"{core.path} is {'; '.join(core.not_whole)}; {error}") from None


def _open_stopped(
    gdb: GdbOptions,
    qemu: str | None,
    debug_info: DebugInfo,
    given: Vmcoreinfo | None,
    tell: Callable[[str], None],
) -> Target:
    """Open a target that is stopped by its stub until it is closed, or until opening fails."""
    with ExitStack() as stack:
        if qemu is None:
            directory = debug_info.directory
            more = GivenSymbols([directory] if directory else [])
            kernels = builds([*debug_info.files.kernels(), *more.kernels()])
            session = GdbSession(gdb, tell)
            stack.callback(session.close)
            attached = open_stub(session, kernels, given)
            load_kernel(attached, debug_info)
        else:
            # What takes long is done before the guest is stopped.
            monitor = connect_qmp(qemu)
            attached = open_qemu(qemu, monitor, given, live=False)
            load_kernel(attached, debug_info)
            session = GdbSession(gdb, tell, monitor.resume)
            stack.callback(session.close)
            _same_guest(attached.prog, monitor, session)
        target = finish(attached, debug_info, session)
        tell_unrecoverable(target, tell)
        session.check()
        stack.pop_all()
        return target


def _same_guest(prog: Program, qmp: Qmp, session: GdbSession) -> None:
    """
    See that QMP and the stub are of one guest: it is stopped, and it is the same moment.

    :raises TargetError: if they are not
    """
    place = prog["jiffies_64"].address_
    assert place is not None
    if (
        session.kind != "QEMU"
        or qmp.runs()
        or prog.read(place, 8) != read_linear_map(session, place, 8)
    ):
        raise TargetError("--qemu and --gdb name different guests")


def _read_vmcoreinfo(path: Path) -> Vmcoreinfo:
    try:
        return Vmcoreinfo.from_bytes(path.read_bytes())
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None


def load_kernel(attached: Attached, debug_info: DebugInfo) -> None:
    """Make the linear map readable by virtual address and load vmlinux."""
    if attached.by_physical:
        add_linear_map(attached.prog)
    debug_info.load_vmlinux(attached.prog, attached.vmcoreinfo)


def _refuse_the_rest(prog: Program, mmu: Mmu) -> None:
    """
    Let reads fail of what is no kernel memory; vmalloc memory is added after this.

    drgn walks no hash page table: an address of a user program, as r1 is on a CPU that has come
    from one, ends in its NotImplementedError, which is no error of a read. With a radix MMU it
    reads bytes of another address there.
    """
    behind = PAGE_OFFSET + LINEAR_MAP_SIZE if mmu == "hash" else _RADIX_END
    for addresses in (range(PAGE_OFFSET), range(behind, 1 << 64)):
        add_absent(prog, addresses, "not in the kernel's memory", physical=False)


def finish(
    attached: Attached,
    debug_info: DebugInfo,
    session: GdbSession | None = None,
    host: StoppedKernel | None = None,
) -> Target:
    """Make all kernel memory readable by virtual address and load the modules."""
    prog = attached.prog
    target = Target.of(prog, attached.source, attached.vmcoreinfo, attached.core)
    problems = [*target.problems]
    writable = None
    try:
        if attached.by_physical:
            _refuse_the_rest(prog, target.mmu)
            add_vmalloc(prog, target.page_size)
        stopped = session or host
        if stopped is not None:
            writable = StubMemory(stopped, prog, target.page_size)
    except (FaultError, LookupError, ValueError) as error:
        problems.append(Problem("vmalloc memory", f"cannot be translated: {error}"))
    try:
        problems += debug_info.load_modules(prog, attached.vmcoreinfo.release)
    except FaultError as fault:
        problems.append(Problem("list of modules", f"cannot be read: {fault}"))
    except MemoryError:
        problems.append(Problem("list of modules", "cannot be read: a size in it is too large"))
    return replace(target, problems=problems, debugger=session, host=host, writable=writable)
