# SPDX-License-Identifier: GPL-2.0-or-later
"""An ELF file with symbols: a vmlinux or a module, plain or packed."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection

from klp_debug.elf.packed_file import is_packed, read_elf_bytes
from klp_debug.errors import TargetError


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolFile:
    """An ELF file with symbols."""

    path: Path
    build_id: str | None
    has_dwarf: bool
    is_module: bool


def read_symbol_file(path: Path) -> SymbolFile:
    """
    Look at one vmlinux or .ko; a module may be packed.

    :raises TargetError: if it cannot be read or is neither

    >>> read_symbol_file(Path("livepatch-sample.ko")).is_module
    True
    """
    try:
        with _opened(path) as file:
            elf = ELFFile(file)
            header = elf.header
            if header["e_machine"] != "EM_PPC64" or not elf.little_endian:
                raise TargetError(f"{path} is no ppc64le kernel or module")
            if header["e_type"] not in ("ET_EXEC", "ET_DYN", "ET_REL"):
                raise TargetError(f"{path} is neither a vmlinux nor a module")
            is_module = header["e_type"] == "ET_REL"
            # By its path it is read again and again.
            if not is_module and isinstance(file, io.BytesIO):
                raise TargetError(f"{path} is a packed vmlinux: unpack it first")
            return SymbolFile(
                path=path,
                build_id=_build_id(elf),
                has_dwarf=elf.get_section_by_name(".debug_info") is not None,
                is_module=is_module,
            )
    except FileNotFoundError:
        raise TargetError(f"{path}: no such file") from None
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None
    except (ELFError, ValueError, KeyError) as error:
        raise TargetError(f"{path} is no usable ELF file ({error})") from None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if is_packed(path):
        yield io.BytesIO(read_elf_bytes(path))
        return
    with path.open("rb") as file:
        yield file


def _build_id(elf: ELFFile) -> str | None:
    for section in elf.iter_sections("SHT_NOTE"):
        for note in section.iter_notes() if isinstance(section, NoteSection) else ():
            if note["n_type"] == "NT_GNU_BUILD_ID":
                return str(note["n_desc"])
    return None
