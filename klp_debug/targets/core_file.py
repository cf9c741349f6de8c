# SPDX-License-Identifier: GPL-2.0-or-later
"""What kind of core a file is, told from its first bytes, before anything relies on it."""

import enum
import os
import struct
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment

from klp_debug.errors import TargetError
from klp_debug.targets.disk_dump import (
    FLATTENED_HEADER_SIZE,
    FLATTENED_RECORD,
    FLATTENED_SIGNATURE,
    DiskDump,
)

_UTSNAME_FIELD = 65
_SIGNATURES = (b"KDUMP   ", b"DISKDUMP")


class CoreKind(enum.Enum):
    """How a core is opened; the value is what users are told it is."""

    ELF = "ELF vmcore"
    QEMU_ELF = "QEMU memory dump (ELF)"
    KDUMP = "kdump vmcore"
    QEMU_KDUMP = "QEMU memory dump (kdump)"


def identify(path: Path) -> CoreKind:
    """
    Say what kind of core a file is.

    :raises TargetError: if it cannot be read, is no core of a ppc64le kernel, or is cut short
    """
    try:
        with path.open("rb") as file:
            start = file.read(FLATTENED_HEADER_SIZE + FLATTENED_RECORD.size + 1024)
            size = file.seek(0, os.SEEK_END)
        if start.startswith(b"\x7fELF"):
            return _identify_elf(path, size)
        flattened = start.startswith(FLATTENED_SIGNATURE)
        if flattened:
            start = start[FLATTENED_HEADER_SIZE + FLATTENED_RECORD.size :]
        if start.startswith(_SIGNATURES):
            kind = _identify_kdump(path, start)
            DiskDump(path)  # refuses a truncated file
            return kind
        if flattened:
            raise TargetError(f"{path} is a damaged or truncated kdump file")
    except FileNotFoundError:
        raise TargetError(f"{path}: no such file") from None
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None
    raise TargetError(f"{path} is not a core: neither ELF nor kdump")


def _identify_elf(path: Path, file_size: int) -> CoreKind:
    try:
        with path.open("rb") as file:
            elf = ELFFile(file)
            header = elf.header
            if header["e_type"] != "ET_CORE":
                raise TargetError(f"{path} is an ELF file but not a core ({header['e_type']})")
            if header["e_machine"] != "EM_PPC64":
                raise _other_architecture(path, _machine_name(header["e_machine"]))
            segments = [segment.header for segment in elf.iter_segments()]
            ends = [segment["p_offset"] + segment["p_filesz"] for segment in segments]
            if ends and max(ends) > file_size:
                raise TargetError(
                    f"{path} is truncated: it has {file_size} bytes,"
                    f" but its segments reach {max(ends)}"
                )
            notes = {
                note["n_name"]
                for segment in elf.iter_segments("PT_NOTE")
                if isinstance(segment, NoteSegment)
                for note in segment.iter_notes()
            }
    except (ELFError, ValueError, KeyError, struct.error, OverflowError) as error:
        raise TargetError(f"{path} is a damaged or truncated ELF core ({error})") from None
    if not any(segment["p_type"] == "PT_LOAD" for segment in segments):
        raise TargetError(f"{path} is an ELF core without memory")
    if "VMCOREINFO" not in notes:
        # QEMU 7.2 writes a big-endian header for a little-endian guest too, so the header's
        # byte order says nothing of the kernel inside.
        return CoreKind.QEMU_ELF
    if not elf.little_endian:
        raise _other_architecture(path, "big-endian ppc64")
    return CoreKind.ELF


def _machine_name(machine: str | int) -> str:
    return {"EM_X86_64": "x86-64", "EM_AARCH64": "arm64", "EM_S390": "s390x"}.get(
        str(machine), str(machine).removeprefix("EM_").lower()
    )


def _other_architecture(path: Path, name: str) -> TargetError:
    return TargetError(
        f"{path} is a core of another architecture ({name}); klp-debug reads ppc64le"
    )


def _identify_kdump(path: Path, header: bytes) -> CoreKind:
    # struct disk_dump_header of makedumpfile's diskdump_mod.h: signature, header_version,
    # struct new_utsname { sysname, nodename, release, version, machine, domainname }.
    start = 12 + 4 * _UTSNAME_FIELD
    machine = header[start : start + _UTSNAME_FIELD].split(b"\0", 1)[0].decode("ascii", "replace")
    match machine:
        case "ppc64le":
            return CoreKind.KDUMP
        case "Unknown":  # QEMU's word for every guest that is neither x86 nor s390
            return CoreKind.QEMU_KDUMP
        case "ppc64":
            raise _other_architecture(path, "big-endian ppc64")
        case "x86_64":
            raise _other_architecture(path, "x86-64")
        case _:
            raise _other_architecture(path, ascii(machine))
