# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers that are shown in hexadecimal."""


class Address(int):
    """A kernel virtual address in bytes; written ``0xc000000000313e50``."""

    def __str__(self) -> str:
        return f"{int(self):#018x}"

    __repr__ = __str__

    @property
    def bare(self) -> str:
        """The 16 digits without ``0x``, as kallsyms and ``/proc/kcore`` users write it."""
        return f"{int(self):016x}"


class Word(int):
    """A 32-bit instruction word, read little-endian; written ``0x7c0802a6``."""

    def __str__(self) -> str:
        return f"{int(self):#010x}"

    __repr__ = __str__

    @property
    def bare(self) -> str:
        """The 8 digits without ``0x``, as objdump writes a word."""
        return f"{int(self):08x}"
