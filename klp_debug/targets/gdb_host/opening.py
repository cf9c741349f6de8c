# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens what GDB has before it: a stopped kernel, or a vmcore."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import gdb
from drgn import Program

from klp_debug.errors import TargetError
from klp_debug.targets.attaching import PPC64LE, Attached, open_stub
from klp_debug.targets.debug_info import DebugInfo
from klp_debug.targets.gdb.build import builds, running_build
from klp_debug.targets.gdb_host.connection import HostConnection
from klp_debug.targets.gdb_host.core import HostCore
from klp_debug.targets.given_symbols import GivenSymbols
from klp_debug.targets.helping import without_help
from klp_debug.targets.opening import finish, load_kernel
from klp_debug.targets.symbol_file import SymbolFile, read_symbol_file
from klp_debug.targets.target import Target


@without_help()
def open_host_target(more_symbols: Iterable[Path]) -> Target:
    """
    Open the target of the selected inferior, by the vmlinux that GDB has loaded.

    :param more_symbols: vmlinux, .ko files or folders of them, besides what GDB has loaded
    :raises TargetError: if it is no ppc64le kernel that can be read
    """
    connection = gdb.selected_inferior().connection
    if connection is None:
        raise TargetError(
            "GDB has no target: `target remote` for QEMU's stub or KGDB, `core-file` for a vmcore"
        )
    _check_architecture()
    if connection.type == "core":
        return _open_core(more_symbols)
    if not isinstance(connection, gdb.RemoteTargetConnection):
        raise TargetError(
            f"GDB's target is a process ({connection.type}), no kernel; klp-debug reads ppc64le"
            " Linux kernels"
        )
    host = HostConnection(connection)
    debug_info = _debug_info(more_symbols)
    attached = open_stub(host, builds(debug_info.files.kernels()), None)
    load_kernel(attached, debug_info)
    return finish(attached, debug_info, host=host)


def _open_core(more_symbols: Iterable[Path]) -> Target:
    core = HostCore()
    debug_info = _debug_info(more_symbols)
    # Refuses symbols of another build.
    running_build(builds(debug_info.files.kernels()), core.read_linear_map)
    prog = Program(PPC64LE)
    core.add_to(prog)
    prog.set_linux_kernel_custom(core.vmcoreinfo.text, False)
    attached = Attached(
        prog=prog, source=core.file.kind.value, vmcoreinfo=core.vmcoreinfo, core=core.file
    )
    load_kernel(attached, debug_info)
    return finish(attached, debug_info)


def _check_architecture() -> None:
    name = gdb.selected_inferior().architecture().name()
    little = "little endian" in gdb.execute("show endian", to_string=True)
    if name.startswith("powerpc:") and little:
        return
    said = "big-endian " if name.startswith("powerpc:") else ""
    raise TargetError(f"GDB's target is {said}{name}; klp-debug reads ppc64le Linux kernels")


def _debug_info(more: Iterable[Path]) -> DebugInfo:
    """
    Take the kernels and modules whose symbols GDB has, and more.

    :raises TargetError: if there is no kernel among them
    """
    files = GivenSymbols(more, known=_loaded_files())
    if next(files.kernels(), None) is None:
        raise TargetError("GDB has no symbols of a kernel: `file vmlinux` first")
    return DebugInfo(files)


def _loaded_files() -> Iterator[SymbolFile]:
    for objfile in gdb.objfiles():
        if objfile.filename is not None:
            try:
                yield read_symbol_file(Path(objfile.filename))
            except TargetError:
                continue  # the vdso, or a program's
