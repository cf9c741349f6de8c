# SPDX-License-Identifier: GPL-2.0-or-later
"""What each kernel's compiler makes of a function's entry."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """What a kernel's compiler makes of a function's entry, as objdump shows it."""

    dialect: str
    leaf_offset: int
    toc_offset: int
    """From the global entry point to the site, without and behind TOC set-up."""
    leaf_setup: str = "none"
    toc_setup: str = "r12"


SHAPES = {
    "6.1": Shape("mprofile-kernel (2 instructions)", 0x4, 0xC),
    "6.1-4k": Shape("mprofile-kernel (2 instructions)", 0x4, 0xC),
    "6.12": Shape("patchable-function-entry", 0x4, 0xC),
    "7.2": Shape("out-of-line", 0x0, 0x8),
    "7.2-pcrel": Shape("out-of-line", 0x0, 0x0, "pcrel", "pcrel"),
}
