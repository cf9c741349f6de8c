# SPDX-License-Identifier: GPL-2.0-or-later
"""ELF files made byte by byte, so that tests can get each byte wrong; relocatable, if not told."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

ALLOC, EXEC, WRITE = 2, 4, 1
PROGBITS, SYMTAB, STRTAB, RELA, NOBITS = 1, 2, 3, 4, 8
NOTYPE, OBJECT, FUNC, SECTION = 0, 1, 2, 3
UNDEF, LIVEPATCH, ABS = 0, 0xFF20, 0xFFF1
ADDR32, RELATIVE = 1, 22
REL24, ADDR64, REL32, TOC16_HA, TOC16_DS, REL16_HA, REL16_LO = 10, 38, 26, 50, 63, 252, 250
COMPRESSED = 0x800
RELA_LIVEPATCH = 0x00100000

ET_REL, ET_EXEC, EM_PPC64 = 1, 2, 21


@dataclass
class _Section:
    name: str
    data: bytes
    type: int
    flags: int
    info: int = 0
    link: int = 0
    address: int = 0


@dataclass
class MadeObject:
    """A file to be made; sections and symbols are numbered from 1."""

    machine: int = EM_PPC64
    flags: int = 2
    kind: int = ET_REL
    _sections: list[_Section] = field(default_factory=list)
    _symbols: list[tuple[str, int, int, int, int, int]] = field(default_factory=list)
    _relocations: dict[tuple[int, str | None], list[bytes]] = field(default_factory=dict)

    def section(
        self,
        name: str,
        data: bytes = b"",
        flags: int = ALLOC,
        type_: int = PROGBITS,
        *,
        address: int = 0,
    ) -> int:
        self._sections.append(_Section(name, data, type_, flags, address=address))
        return len(self._sections)

    def address(self, number: int) -> int:
        """Return where a section is loaded; 0 in a relocatable file."""
        return self._sections[number - 1].address

    def fill(self, number: int, data: bytes) -> None:
        """Give a section its bytes."""
        self._sections[number - 1].data = data

    def text(self, name: str, *words: int, address: int = 0) -> int:
        data = struct.pack(f"<{len(words)}I", *words)
        return self.section(name, data, ALLOC | EXEC, address=address)

    def symbol(
        self,
        name: str,
        section: int,
        value: int = 0,
        size: int = 0,
        kind: int = FUNC,
        other: int = 0,
    ) -> int:
        self._symbols.append((name, kind | 1 << 4, other, section, value, size))
        return len(self._symbols)

    def relocate(
        self, section: int, offset: int, type_: int, symbol: int, addend: int = 0, klp: str = ""
    ) -> None:
        """Add a relocation; KLP is the object of a section that livepatch applies."""
        row = struct.pack("<QIIq", offset, type_, symbol, addend)
        self._relocations.setdefault((section, klp or None), []).append(row)

    def list_sites(
        self, section: int, *offsets: int, name: str = "__mcount_loc", type_: int = ADDR64
    ) -> int:
        """Add a list of places in a section, as relocations; return its number."""
        listed = self.section(name, bytes(8 * len(offsets)))
        base = self.symbol("", section, kind=SECTION)
        for number, offset in enumerate(offsets):
            self.relocate(listed, 8 * number, type_, base, offset)
        return listed

    def content(self) -> bytes:
        sections = list(self._sections)
        symtab_number = len(sections) + 1
        strings, symbols = b"\0", struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)
        for name, info, other, section, value, size in self._symbols:
            symbols += struct.pack("<IBBHQQ", len(strings), info, other, section, value, size)
            strings += name.encode() + b"\0"
        sections.append(_Section(".symtab", symbols, SYMTAB, 0, link=symtab_number + 1))
        sections.append(_Section(".strtab", strings, STRTAB, 0))
        for (number, klp), rows in self._relocations.items():
            of = self._sections[number - 1].name
            name = f".rela{of}" if klp is None else f".klp.rela.{klp}.{of}"
            flags = 0x40 if klp is None else 0x40 | RELA_LIVEPATCH | ALLOC
            sections.append(_Section(name, b"".join(rows), RELA, flags, number, symtab_number))
        return self._laid_out(sections)

    def _laid_out(self, sections: list[_Section]) -> bytes:
        names, body = b"\0", b"\0" * 64
        headers = [struct.pack("<IIQQQQIIQQ", *[0] * 10)]
        sections = [*sections, _Section(".shstrtab", b"", STRTAB, 0)]
        starts = []
        for section in sections:
            starts.append(len(names))
            names += section.name.encode() + b"\0"
        sections[-1].data = names
        entry_sizes = {SYMTAB: 24, RELA: 24}
        for start, section in zip(starts, sections, strict=True):
            body += b"\0" * (-len(body) % 8)
            headers.append(
                struct.pack(
                    "<IIQQQQIIQQ",
                    start,
                    section.type,
                    section.flags,
                    section.address,
                    len(body),
                    len(section.data),
                    section.link,
                    section.info,
                    8,
                    entry_sizes.get(section.type, 0),
                )
            )
            body += section.data if section.type != NOBITS else b""
        body += b"\0" * (-len(body) % 8)
        header = b"\x7fELF\2\1\1" + b"\0" * 9
        header += struct.pack("<HHIQQQIHHHHHH", self.kind, self.machine, 1, 0, 0, len(body),
                              self.flags, 64, 0, 0, 64, len(headers), len(headers) - 1)  # fmt: skip
        return header + body[64:] + b"".join(headers)

    def write(self, path: Path) -> Path:
        path.write_bytes(self.content())
        return path
