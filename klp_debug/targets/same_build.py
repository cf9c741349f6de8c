# SPDX-License-Identifier: GPL-2.0-or-later
"""
Whether a vmlinux is of the kernel that a target runs.

vmcoreinfo has the build id since v5.9. Before, the kernel's own notes tell, which are in its memory
(``.notes`` in include/asm-generic/vmlinux.lds.h), or else ``linux_banner``.
"""

import re
import struct
from pathlib import Path

from drgn import FaultError, Program
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from klp_debug.errors import TargetError

_BANNER = re.compile(rb"Linux version (\d[^ \n\0]*) [^\n\0]*\n")
_BANNER_SIZE = 512
"""More than ``linux_banner`` ever has, in bytes."""
_NOTES_SIZE = 0x10000
_NT_GNU_BUILD_ID = 3
_NOT_THERE = "not where this vmlinux has it"


def banner_of(path: Path) -> bytes | None:
    r"""
    Return the ``linux_banner`` that a vmlinux has; None if its data is not in the file.

    >>> banner_of(Path("vmlinux"))
    b'Linux version 6.1.0 (root@build) (powerpc64le-linux-gnu-gcc ...) #1 SMP ...\n'
    """
    try:
        with path.open("rb") as file:
            for section in ELFFile(file).iter_sections():
                kept = section["sh_flags"] and section["sh_type"] != "SHT_NOBITS"
                found = _BANNER.search(section.data()) if kept else None
                if found is not None:
                    return found.group()
    except (OSError, ELFError, ValueError, KeyError):
        pass
    return None


def release_of(banner: bytes) -> str:
    r"""
    Return the release in a banner, which is the kernel's ``OSRELEASE``.

    >>> release_of(b'Linux version 6.1.0 (root@build) (gcc) #1 SMP\n')
    '6.1.0'
    """
    found = _BANNER.match(banner)
    return found.group(1).decode("ascii", "backslashreplace") if found else ""


def check_same_build(prog: Program, path: Path, build_id: str | None) -> None:
    """
    Compare a vmlinux, which the program has loaded, with what is in the target's memory.

    Neither page may be in a dump: nothing is said of the file then.

    :param build_id: the file's, in hexadecimal, if it has one
    :raises TargetError: if the file is of another build
    """
    notes = _notes(prog) if build_id is not None else None
    if notes is not None:
        running = _build_id(notes) or _NOT_THERE
        if running != build_id:
            raise TargetError(
                f"{path} is of another build: its build id is {build_id}, the target's is {running}"
            )
        return
    banner, ours = banner_of(path), _banner(prog)
    if banner is not None and ours is not None and banner != ours:
        running = _shown(ours) if _BANNER.fullmatch(ours) else _NOT_THERE
        raise TargetError(
            f"{path} is of another build: its banner is {_shown(banner)}, the target's is {running}"
        )


def _shown(banner: bytes) -> str:
    return repr(banner.decode("ascii", "backslashreplace").strip())


def _notes(prog: Program) -> bytes | None:
    """Return what is where the vmlinux has the kernel's notes; None if it cannot be read."""
    try:
        start, stop = (prog.symbol(name).address for name in ("__start_notes", "__stop_notes"))
        if not 0 < stop - start <= _NOTES_SIZE:
            return None
        return bytes(prog.read(start, stop - start))
    except (FaultError, LookupError):
        return None


def _build_id(notes: bytes) -> str | None:
    position = 0
    while position + 12 <= len(notes):
        name_size, size, type_ = struct.unpack_from("<III", notes, position)
        name = notes[position + 12 : position + 12 + name_size]
        begin = position + 12 + (name_size + 3 & ~3)
        position = begin + (size + 3 & ~3)
        if type_ == _NT_GNU_BUILD_ID and name == b"GNU\0" and begin + size <= len(notes):
            return notes[begin : begin + size].hex()
    return None


def _banner(prog: Program) -> bytes | None:
    """Return what is where the vmlinux has its banner; None if it cannot be read."""
    try:
        return bytes(prog.read_c_string(prog.symbol("linux_banner").address, max_size=_BANNER_SIZE))
    except (FaultError, LookupError):
        return None
