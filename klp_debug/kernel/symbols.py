# SPDX-License-Identifier: GPL-2.0-or-later
"""
Symbols of the kernel and its modules, with the local entry point that ELFv2 gives each.

vmlinux's come from its ELF file; a module's from the symbol table that the kernel keeps of it
in memory (``mod->kallsyms``), so that no .ko is needed. drgn's own symbols lack ``st_other``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from drgn import Object
from drgn.helpers.linux.module import module_address_regions
from elftools.elf.elffile import ELFFile

from klp_debug.elf.format import SHN_ABS, SHN_UNDEF, STT_FUNC, STT_NOTYPE, STT_OBJECT, SYMBOL
from klp_debug.elf.symbol_names import named
from klp_debug.kernel.kept_symbols import as_elf_had_them
from klp_debug.kernel.walk import MAX_ENTRIES, WalkError, c_array_string
from klp_debug.result.address import Address
from klp_debug.result.text import with_module
from klp_debug.result.unknown import Unknown

KERNEL_TEXT = (("_stext", "_etext"), ("_sinittext", "_einittext"))
"""Symbols around vmlinux's text, and around what it drops when it has booted."""
NO_MODULE = range(0xC000_1000_0000_0000)
"""
Where no module can be, in bytes: what a process has, and the linear map.

``H_KERN_VIRT_START`` of 4K pages is the lowest beginning of vmalloc memory.
"""
ALIASES = frozenset({"init_module", "cleanup_module"})
"""What ``module_init()`` and ``module_exit()`` call every module's own functions as well."""
FUNCTION = np.dtype([("address", "<u8"), ("size", "<u8"), ("st_other", "u1")])
"""One function: its global entry point, its size in bytes, its symbol's ``st_other``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSymbol:
    """One symbol."""

    name: str
    module: str | None
    """None for vmlinux."""
    address: int
    size: int
    """In bytes; 0 where the symbol has none."""
    st_other: int
    is_function: bool

    @property
    def label(self) -> str:
        """How people call it: ``name [module]``, or the bare name of vmlinux's."""
        return with_module(self.name, self.module)


class SymbolTable:
    """The symbols of vmlinux or of one module, sorted by address."""

    def __init__(
        self,
        module: str | None,
        symbols: npt.NDArray[np.void],
        strings: bytes,
        regions: Iterable[tuple[int, int]] | None = None,
    ) -> None:
        """
        Take a table as ELF lays it out.

        :param module: the module's name, None for vmlinux
        :param symbols: array of ``Elf64_Sym`` (:data:`klp_debug.elf.format.SYMBOL`)
        :param strings: its string table
        :param regions: (start, size in bytes) of the memory that is this object's; a symbol
            without a size reaches no further. None if it is not known.
        """
        kind = symbols["info"] & 0xF
        # An absolute symbol of vmlinux is a number, not an address; in the table that the
        # kernel keeps of a module st_shndx says nothing any more.
        is_module = module is not None
        keep = (
            (symbols["value"] != 0)
            & (symbols["section"] != SHN_UNDEF)
            & ((symbols["section"] != SHN_ABS) | is_module)
            & ((kind == STT_FUNC) | (kind == STT_NOTYPE) | (kind == STT_OBJECT))
        )
        kept = symbols[keep]
        self.module = module
        self._regions = None if regions is None else tuple(regions)
        self._symbols = kept[np.argsort(kept["value"], kind="stable")]
        self._strings = strings

    @classmethod
    def of_vmlinux(cls, path: Path) -> Self:
        """
        Read the symbol table of a vmlinux.

        :raises OSError: if the file cannot be read
        :raises elftools.common.exceptions.ELFError: if it is no ELF file
        :raises WalkError: if it has no symbol table
        """
        with path.open("rb") as file:
            elf = ELFFile(file)
            section = elf.get_section_by_name(".symtab")
            if section is None:
                raise WalkError(f"{path} has no symbol table")
            strings = elf.get_section(section["sh_link"]).data()
            return cls(None, np.frombuffer(section.data(), SYMBOL), strings)

    @classmethod
    def of_module(cls, module: Object) -> Self:
        """
        Read the symbol table that the kernel keeps of a loaded module.

        :param module: ``struct module *``
        :raises WalkError, drgn.FaultError: if it is damaged or unreadable
        """
        prog = module.prog_
        kallsyms = module.kallsyms.read_()
        count = kallsyms.num_symtab.value_()
        if not 0 <= count <= MAX_ENTRIES:
            raise WalkError(f"mod_kallsyms {kallsyms.value_():#x} claims {count} symbols")
        data = prog.read(kallsyms.symtab.value_(), count * SYMBOL.itemsize)
        symbols = as_elf_had_them(np.frombuffer(data, SYMBOL), kallsyms)
        start = kallsyms.strtab.value_()
        end = _region_end(module, start)
        strings = prog.read(start, end - start)
        name = c_array_string(module.name)
        return cls(name, symbols, strings, module_address_regions(module))

    def __len__(self) -> int:
        return len(self._symbols)

    def _at(self, index: int) -> KernelSymbol:
        symbol = self._symbols[index]
        return KernelSymbol(
            name=self._name(int(symbol["name"])),
            module=self.module,
            address=int(symbol["value"]),
            size=int(symbol["size"]),
            st_other=int(symbol["other"]),
            is_function=int(symbol["info"]) & 0xF == STT_FUNC,
        )

    def _name(self, offset: int) -> str:
        end = self._strings.find(b"\0", offset)
        return self._strings[offset : end if end >= 0 else None].decode("ascii", "backslashreplace")

    def function_names(self) -> list[str]:
        """Return the names of the functions, by address; several may have the same."""
        functions = self._symbols[self._symbols["info"] & 0xF == STT_FUNC]
        return [self._name(offset) for offset in functions["name"].tolist()]

    def functions(self) -> npt.NDArray[np.void]:
        """Return the functions: an array of ``address``, ``size`` and ``st_other``, by address."""
        functions = self._symbols[self._symbols["info"] & 0xF == STT_FUNC]
        result = np.empty(len(functions), FUNCTION)
        result["address"] = functions["value"]
        result["size"] = functions["size"]
        result["st_other"] = functions["other"]
        return result

    def named(self, name: str) -> list[KernelSymbol]:
        """Return every symbol of that name, by address."""
        places = named(name, self._symbols["name"], self._strings)
        return [self._at(index) for index in places]

    def names_at(self, address: int) -> list[str]:
        """Return the names of the functions that begin at an address."""
        first, end = np.searchsorted(
            self._symbols["value"], np.array([address, address + 1], np.uint64)
        )
        symbols = [self._at(index) for index in range(int(first), int(end))]
        return [symbol.name for symbol in symbols if symbol.is_function]

    def covering(self, address: int) -> KernelSymbol | None:
        """
        Return the symbol that an address belongs to, a function before anything else.

        A symbol without a size reaches to the next one; the last has none to reach to.
        """
        if self._regions is not None and not any(
            start <= address < start + size for start, size in self._regions
        ):
            return None
        values = self._symbols["value"]
        index = int(np.searchsorted(values, np.uint64(address), side="right")) - 1
        if index < 0:
            return None
        start = int(values[index])
        if index + 1 == len(values) and self._at(index).size == 0 and address != start:
            return None
        # Several symbols may share the address; sized functions are the most telling.
        best: KernelSymbol | None = None
        while index >= 0 and int(values[index]) == start:
            symbol = self._at(index)
            reaches = symbol.size == 0 or address < symbol.address + symbol.size
            if reaches and (best is None or _telling(symbol) > _telling(best)):
                best = symbol
            index -= 1
        return best


def _telling(symbol: KernelSymbol) -> tuple[bool, int, bool, bool]:
    """Rank the symbols of one address: the one that people know a function by is the highest."""
    return (
        symbol.is_function,
        symbol.size,
        symbol.name not in ALIASES,
        not symbol.name.startswith(("_", ".", "$")),
    )


def _region_end(module: Object, address: int) -> int:
    for start, size in module_address_regions(module):
        if start <= address < start + size <= start + (1 << 30):
            return start + size
    raise WalkError(f"string table at {address:#x} is in no memory of its module")


class KernelSymbols:
    """The symbols of vmlinux and of all modules, as far as these could be read."""

    def __init__(self, tables: Iterable[SymbolTable], missing: Unknown | None = None) -> None:
        """
        Take the tables; vmlinux's first.

        :param missing: why there may be modules whose symbols are not among them
        """
        self._tables = list(tables)
        self.missing = missing

    def named(self, name: str, module: str | None = None) -> list[KernelSymbol]:
        """
        Return every symbol of that name.

        :param module: only of this object, ``vmlinux`` being the kernel itself
        """
        return [
            symbol
            for table in self._tables
            if module is None or (table.module or "vmlinux") == module
            for symbol in table.named(name)
        ]

    def function_names(self) -> dict[str, list[str]]:
        """Return the names of each object's functions: ``vmlinux`` or a module -> names."""
        return {table.module or "vmlinux": table.function_names() for table in self._tables}

    def functions(self) -> npt.NDArray[np.void]:
        """Return all functions, :data:`FUNCTION` each, by address."""
        tables = [np.empty(0, FUNCTION), *(table.functions() for table in self._tables)]
        functions = np.concatenate(tables)
        # Of several symbols at one address the last one, which a search finds, is the longest.
        return functions[np.lexsort((functions["size"], functions["address"]))]

    def known_at(self, address: int) -> KernelSymbol | None:
        """Return the symbol that an address belongs to, if it is one of those that were read."""
        address %= 1 << 64
        for table in self._tables:
            symbol = table.covering(address)
            if symbol is not None:
                return symbol
        return None

    def aliases(self, symbol: KernelSymbol) -> tuple[str, ...]:
        """Return the other names of a function, in the order of its object's symbol table."""
        return tuple(
            name
            for table in self._tables
            if table.module == symbol.module
            for name in table.names_at(symbol.address)
            if name != symbol.name
        )

    def covering(self, address: int) -> KernelSymbol | Unknown | None:
        """Return the symbol that an address belongs to; None if it belongs to none."""
        symbol = self.known_at(address)
        # Of a range, what is no plain int (as an Address is not) is sought number by number.
        if symbol is None and int(address % (1 << 64)) not in NO_MODULE:
            return self.missing
        return symbol

    def format(self, address: int) -> str | Unknown | None:
        """Return ``name+0x10 [module]`` for an address, as the kernel's ``%pS`` prints it."""
        symbol = self.covering(address)
        if symbol is None or isinstance(symbol, Unknown):
            return symbol
        offset = f"+{address - symbol.address:#x}" if address != symbol.address else ""
        return with_module(f"{symbol.name}{offset}", symbol.module)

    def label(self, address: int) -> str:
        """Return an address for a sentence: by its symbol, or the number if it has none."""
        symbol = self.format(address)
        if symbol is None:
            return str(Address(address))
        if isinstance(symbol, Unknown):
            return f"{Address(address)} (its symbol is unknown)"
        return symbol
