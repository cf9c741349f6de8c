# SPDX-License-Identifier: GPL-2.0-or-later
"""
The relocations of a livepatch module that livepatch itself applies: those of ``.klp.rela.*``.

They are for symbols of an object that need not be loaded yet, and are applied once it is. The
module's section headers are kept for them in ``module.klp_info``. Source: kernel/livepatch/core.c,
kernel/module/livepatch.c (before 5.19 in kernel/module.c), Documentation/livepatch/.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from drgn import Object

from klp_debug.elf.format import SHF_RELA_LIVEPATCH
from klp_debug.kernel.walk import WalkError

_PREFIX = ".klp.rela."
_SHDR = struct.Struct("<IIQQQQIIQQ")
_RELA = struct.Struct("<QQq")
_SYM = struct.Struct("<IBBHQQ")
_MAX_SECTIONS = 4096
_MAX_RELOCATIONS = 1 << 16
_MAX_NAME = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class KlpRelocation:
    """One of them."""

    section: str
    """``.klp.rela.OBJECT.SECTION``."""
    object: str
    """``vmlinux``, or the module that must be loaded for it."""
    place: int
    """The address that it is for."""
    type: int
    """``R_PPC64_*``."""
    symbol: str
    """``.klp.sym.OBJECT.NAME,SYMPOS``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    name: str
    flags: int
    address: int
    size: int
    info: int


def for_each_klp_relocation(module: Object) -> Iterator[KlpRelocation]:
    """
    Iterate over a livepatch module's own relocations; over none if it has none.

    >>> [each.symbol for each in for_each_klp_relocation(module)]
    ['.klp.sym.scsi_common.scsi_set_sense_information,0']

    :param module: ``struct module *``
    :raises WalkError, drgn.FaultError: if what is kept of its sections is damaged or unreadable
    """
    try:
        info = module.klp_info.read_()
    except AttributeError:  # no CONFIG_LIVEPATCH
        return
    if not info:
        return
    sections = _sections(info)
    symbols = sections[_index(info.symndx.value_(), sections, "symbol table")]
    strings = module.core_kallsyms.strtab.value_()
    for section in sections:
        if not section.flags & SHF_RELA_LIVEPATCH or not section.name.startswith(_PREFIX):
            continue
        target = sections[_index(section.info, sections, section.name)]
        if section.size > _MAX_RELOCATIONS * _RELA.size:
            raise WalkError(f"{section.name} claims {section.size} bytes")
        data = module.prog_.read(section.address, section.size // _RELA.size * _RELA.size)
        for offset, number, _addend in _RELA.iter_unpack(data):
            if offset >= target.size:
                raise WalkError(f"{section.name} is for {offset:#x} in {target.name}, behind it")
            yield KlpRelocation(
                section=section.name,
                object=section.name.removeprefix(_PREFIX).partition(".")[0],
                place=target.address + offset,
                type=number & 0xFFFFFFFF,
                symbol=_symbol(module, symbols, strings, number >> 32),
            )


def _sections(info: Object) -> list[_Section]:
    prog = info.prog_
    count = info.hdr.e_shnum.value_()
    if count > _MAX_SECTIONS:
        raise WalkError(f"klp_modinfo {info.value_():#x} claims {count} sections")
    headers = list(
        _SHDR.iter_unpack(prog.read(info.sechdrs.value_(), count * _SHDR.size) if count else b"")
    )
    names = info.secstrings.value_()
    sections = []
    for name, _type, flags, address, _offset, size, _link, section_info, *_ in headers:
        text = prog.read_c_string(names + name, max_size=_MAX_NAME)
        sections.append(
            _Section(
                name=text.decode("ascii", "backslashreplace"),
                flags=flags,
                address=address,
                size=size,
                info=section_info,
            )
        )
    return sections


def _index(index: int, sections: list[_Section], whose: str) -> int:
    if index >= len(sections):
        raise WalkError(f"{whose} is for section {index} of {len(sections)}")
    return index


def _symbol(module: Object, symbols: _Section, strings: int, number: int) -> str:
    if (number + 1) * _SYM.size > symbols.size:
        raise WalkError(f"a relocation names symbol {number}, behind the symbol table")
    prog = module.prog_
    name = _SYM.unpack(prog.read(symbols.address + number * _SYM.size, _SYM.size))[0]
    text: bytes = prog.read_c_string(strings + name, max_size=_MAX_NAME)
    return text.decode("ascii", "backslashreplace")
