# SPDX-License-Identifier: GPL-2.0-or-later
"""
How makedumpfile packs a page, and how it is unpacked.

The flags are those of makedumpfile's diskdump_mod.h. Its LZO is a block of LZO1X and its snappy one
of the raw format, both without a header. A page may be damaged or hostile: nothing is unpacked to
more than a page.
"""

import zlib
from collections.abc import Callable

import zstandard


class PackedPageError(Exception):
    """Says why a page cannot be unpacked, in words that name its compression."""


def unpacked(data: bytes, flags: int, page_size: int) -> bytes:
    """
    Return the bytes of a page.

    >>> unpacked(zlib.compress(bytes(4096)), 0x1, 4096) == bytes(4096)
    True

    :param flags: of its page descriptor: how it is compressed, 0 if it is not
    :param page_size: bytes that it must have
    :raises PackedPageError: if it is damaged, or what unpacks it is not installed
    """
    if flags == 0:
        if len(data) != page_size:
            raise PackedPageError(f"not compressed, but of {len(data)} bytes")
        return data
    if flags not in _COMPRESSIONS:
        raise PackedPageError(f"compressed by flags {flags:#x}, which klp-debug does not know")
    name, unpack = _COMPRESSIONS[flags]
    try:
        page = unpack(data, page_size)
    except ImportError as error:
        raise PackedPageError(f"compressed by {name}; install {error.name}") from None
    except PackedPageError as error:
        raise PackedPageError(f"compressed by {name}, but damaged: {error}") from None
    if len(page) != page_size:
        raise PackedPageError(f"compressed by {name}, but damaged: {len(page)} bytes are in it")
    return page


def _by_zlib(data: bytes, page_size: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        # One byte more, so that it comes to the checksum, which is behind the last one.
        page = unpacker.decompress(data, page_size + 1)
    except zlib.error as error:
        raise PackedPageError(error) from None
    if not unpacker.eof:
        raise PackedPageError("it does not end where a page does")
    return page


def _by_lzo(data: bytes, page_size: int) -> bytes:
    # Not all machines have a wheel of it, and few dumps need it.
    import lzokay

    try:
        page = lzokay.decompress(data, page_size)
    except lzokay.LzokayError as error:
        raise PackedPageError(error) from None
    try:
        # It fills up with zeros what is too short: only what fits into no less is as long.
        lzokay.decompress(data, page_size - 1)
    except lzokay.OutputOverrunError:
        return page
    raise PackedPageError("it ends before a page does")


def _by_snappy(data: bytes, page_size: int) -> bytes:
    # As with LZO.
    import cramjam

    page = bytearray(page_size)
    try:
        size = cramjam.snappy.decompress_raw_into(data, page)
    except cramjam.DecompressionError as error:
        raise PackedPageError(error) from None
    return bytes(page[:size])


def _by_zstd(data: bytes, page_size: int) -> bytes:
    try:
        # What a frame claims to hold is allocated, whatever the limit is.
        if zstandard.frame_content_size(data) > page_size:
            raise PackedPageError("it claims to be more than a page")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=page_size)
    except zstandard.ZstdError as error:
        raise PackedPageError(error) from None


_COMPRESSIONS: dict[int, tuple[str, Callable[[bytes, int], bytes]]] = {
    0x1: ("zlib", _by_zlib),
    0x2: ("LZO", _by_lzo),
    0x4: ("snappy", _by_snappy),
    0x20: ("Zstandard", _by_zstd),
}
