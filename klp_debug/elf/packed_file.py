# SPDX-License-Identifier: GPL-2.0-or-later
"""
Files as distributions ship them: plain, or packed by gzip, xz or zstd.

Source: ``CONFIG_MODULE_COMPRESS_*``; scripts/Makefile.modinst.
"""

import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

from klp_debug.errors import TargetError

MOST_BYTES = 1 << 30
"""Of a file, unpacked: one that would be larger was made to fill memory."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes; none at the end."""


_CHUNK = 16 << 20
_ELF = b"\x7fELF"


class _Xz:
    """
    Reads an xz file in few large steps.

    :class:`lzma.LZMAFile` takes 8 KiB at a time, and asks for Python's lock after each: a thread
    that unpacks beside another that works waits for it longer than it unpacks.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._packed = file.read(MOST_BYTES)
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ)

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes; none at the end."""
        unpacked = b""
        while not unpacked:
            if self._stream.eof:
                # Other streams may follow, and zeros between them.
                self._packed = self._stream.unused_data.lstrip(b"\0")
                if not self._packed:
                    return b""
                self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ)
            unpacked = self._stream.decompress(self._packed, size)
            self._packed = b""
            if not unpacked and not self._stream.eof:
                raise EOFError("it ends within a stream")
        return unpacked


_OPENERS: tuple[tuple[bytes, Callable[[BinaryIO], _Readable]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"\xfd7zXZ\0", _Xz),
    (b"\x28\xb5\x2f\xfd", lambda file: zstandard.ZstdDecompressor().stream_reader(file)),
)
"""First bytes of a packed file -> how to read it. The name is not asked: it may have none."""


def is_packed(path: Path) -> bool:
    """
    Return whether a file is packed in one of these ways, by its first bytes.

    :raises OSError: if it cannot be read
    """
    with path.open("rb") as file:
        return _opener(file.read(8)) is not None


def _opener(start: bytes) -> Callable[[BinaryIO], _Readable] | None:
    return next((opener for magic, opener in _OPENERS if start.startswith(magic)), None)


def read_elf_bytes(path: Path) -> bytes:
    """
    Return the bytes of an ELF file, unpacked.

    :raises TargetError: if it cannot be read, is damaged, is too large, or is no ELF file
    """
    try:
        if not path.is_file():
            raise TargetError(f"{path}: no such file" if not path.exists() else _no_file(path))
        with path.open("rb") as file:
            start = file.read(8)
            file.seek(0)
            opener = _opener(start)
            if opener is not None:
                return _unpack(path, opener(file))
            if not start.startswith(_ELF):
                raise _not_elf(path)
            if path.stat().st_size > MOST_BYTES:
                raise _too_large(path)
            return file.read()
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None


def _no_file(path: Path) -> str:
    return f"{path} is neither a file nor a folder"


def _not_elf(path: Path) -> TargetError:
    return TargetError(f"{path} is not an ELF file")


def _too_large(path: Path) -> TargetError:
    return TargetError(f"{path} has more than {MOST_BYTES >> 20} MiB: no kernel or module has")


def _unpack(path: Path, packed: _Readable) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := packed.read(_CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if not chunks[0].startswith(_ELF):
                raise _not_elf(path)
            if size > MOST_BYTES:
                raise _too_large(path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
        raise TargetError(f"{path} is a damaged or truncated packed file ({error})") from None
    if not chunks:
        raise _not_elf(path)
    return b"".join(chunks)
