# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens a dump's file: its first bytes tell of what format it is."""

from pathlib import Path

from drgn import Program

from klp_debug.errors import TargetError
from klp_debug.targets.core_bytes import CoreBytes
from klp_debug.targets.core_file import CoreFile
from klp_debug.targets.disk_dump import DiskDump
from klp_debug.targets.elf_core import ElfCore

_ELF_SIGNATURE = b"\x7fELF"
_DISK_DUMP_SIGNATURES = (b"KDUMP   ", b"DISKDUMP")
_KEY = "klp_debug.core_file"
"""In :attr:`drgn.Program.cache`."""


def open_core_file(path: Path) -> CoreFile:
    """
    Open the file of a vmcore or memory dump.

    :raises TargetError: if it cannot be read, is no core of a ppc64le kernel, or is cut short
        before the first of its memory
    """
    try:
        data = CoreBytes(path)
        if data.head.startswith(_ELF_SIGNATURE):
            if data.flattened:
                raise TargetError(
                    f"{path} is a flattened ELF core: rearrange it first:"
                    f" makedumpfile -R NEW < {path}"
                )
            return ElfCore(data)
        if data.head.startswith(_DISK_DUMP_SIGNATURES):
            return DiskDump(data)
    except FileNotFoundError:
        raise TargetError(f"{path}: no such file") from None
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None
    if data.flattened:
        raise TargetError(f"{path} is a damaged or truncated kdump file")
    raise TargetError(f"{path} is not a core: neither ELF nor kdump")


def core_file_of(prog: Program) -> CoreFile | None:
    """
    Return the file that drgn read a program from; opened once, then remembered.

    :raises TargetError: if it cannot be used
    """
    if prog.core_dump_path is None:
        return None
    core: CoreFile | None = prog.cache.get(_KEY)
    if core is None:
        core = prog.cache[_KEY] = open_core_file(Path(prog.core_dump_path))
    return core
