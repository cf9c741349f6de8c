# SPDX-License-Identifier: GPL-2.0-or-later
"""
Whether a dump has the kernel's own image.

It always should: the image is neither free, nor cache, nor a user's. But a makedumpfile that is
older than the kernel reads another layout of ``struct page``, and leaves out what it takes for
such.
"""

from collections.abc import Iterator

from drgn import FaultError, Program

from klp_debug.targets.core_file import CoreFile, CoreKind
from klp_debug.targets.translation import PAGE_OFFSET

_MOST = 64
"""Pages that are asked for: what is left out so is left out by the thousand."""
_TEXT = ("_stext", "_etext")
_DATA = (("__start_rodata", "__end_ro_after_init"), ("_sdata", "_edata"))
_VECTORS = 0x10000
"""Bytes from ``_stext`` on: interrupt vectors, and pages of zeros between them."""


def missing_image(prog: Program, core: CoreFile, page_size: int) -> str | None:
    """
    Return what is said of a dump that lacks pages of the kernel's image; None of any other.

    :param prog: reads the dump, with vmlinux loaded
    :param page_size: bytes

    >>> missing_image(prog, core, 65536)
    "pages of the kernel's own image are missing (61 of 64 that were looked for): save ..."
    """
    pages = list(_pages(prog, core.kind, page_size))
    count = min(len(pages), _MOST)
    asked = [pages[number * len(pages) // count] for number in range(count)]
    missing = sum(not _is_there(prog, page) for page in asked)
    if not missing:
        return None
    return (
        f"pages of the kernel's own image are missing ({missing} of {len(asked)} that were looked"
        " for): save /proc/vmcore whole or take a newer makedumpfile"
    )


def _pages(prog: Program, kind: CoreKind, page_size: int) -> Iterator[int]:
    """Yield the addresses of those pages that are sure to be in a dump that is as it should be."""
    # An ELF core leaves out pages of zeros too, which data may have, and compiled code has not.
    for names in (_TEXT, *(() if kind is CoreKind.ELF else _DATA)):
        try:
            start, end = (prog.symbol(name).address for name in names)
        except LookupError:
            continue
        if names is _TEXT:
            start += _VECTORS
        if PAGE_OFFSET <= start < end < PAGE_OFFSET + (1 << 32):  # or vmlinux is damaged
            # Not the last one, which is a part of a page, filled up.
            yield from range(start & -page_size, end - page_size + 1, page_size)


def _is_there(prog: Program, page: int) -> bool:
    try:
        prog.read(page & ~PAGE_OFFSET, 1, True)
    except FaultError:
        return False
    return True
