# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel that a test makes: a drgn program with memory, types, variables and symbols."""

import io
import struct
from pathlib import Path
from typing import BinaryIO, cast

from drgn import (
    Architecture,
    FindObjectFlags,
    Object,
    Platform,
    PlatformFlags,
    Program,
    Symbol,
    SymbolBinding,
    SymbolKind,
    Type,
    TypeKind,
)

from klp_debug.targets.core_file import CoreKind
from klp_debug.targets.notes import ByteOrder
from klp_debug.targets.target import Target
from klp_debug.targets.vmcoreinfo import Vmcoreinfo
from tests.support.c_types import DrgnTypes, Layouts
from tests.support.kernel_structs import MPROFILE, Build, flags, layouts
from tests.support.made_object import FUNC, NOTYPE, OBJECT, MadeObject
from tests.support.paged_memory import PAGE, PagedMemory

TEXT = 0xC000000000100000
"""Where vmlinux's text begins."""
TEXT_SIZE = 0x200000
DATA = 0xC000000001000000
"""From here on each structure is on a page of its own, so that each can be lost by itself."""
RELEASE = "6.1.0-fake"
_VMCOREINFO = f"OSRELEASE={RELEASE}\nPAGESIZE={PAGE}\nSYMBOL(swapper_pg_dir)={DATA:x}\n"
"""As much as drgn asks for."""


class Struct:
    """A structure in the memory of a kernel; its members are read and written by their names."""

    def __init__(self, kernel: "BareKernel", tag: str, address: int) -> None:
        self._kernel = kernel
        self.tag = tag
        self.address = address

    def at(self, member: str) -> int:
        """Return the address of a member: ``fops.func``."""
        return self.address + self._kernel.layouts.locate(self.tag, member)[0]

    def member(self, member: str, tag: str) -> "Struct":
        """Return a member that is a structure itself."""
        return Struct(self._kernel, tag, self.at(member))

    def __getitem__(self, member: str) -> int:
        offset, size = self._kernel.layouts.locate(self.tag, member)
        return int.from_bytes(self._kernel.memory.read(self.address + offset, size), "little")

    def __setitem__(self, member: str, value: "int | bytes | Struct") -> None:
        offset, size = self._kernel.layouts.locate(self.tag, member)
        if isinstance(value, Struct):
            value = value.address
        if isinstance(value, int):
            value = (value % (1 << 8 * size)).to_bytes(size, "little")
        self._kernel.memory.write(self.address + offset, value)

    def lose(self) -> None:
        """Take its page out of the dump."""
        self._kernel.memory.lose(self.address)

    @property
    def object(self) -> Object:
        """A pointer to it, as drgn has it."""
        prog = self._kernel.prog
        return Object(prog, prog.pointer_type(self._kernel.types.aggregate(self.tag)), self.address)


class BareKernel:
    """Memory, types, variables and vmlinux's symbols; what else a kernel has is put into it."""

    def __init__(self, build: Build = MPROFILE) -> None:
        """Begin with a kernel that has nothing."""
        self.build = build
        little = PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN
        self.prog = Program(Platform(Architecture.PPC64, little))
        self.prog.set_linux_kernel_custom(_VMCOREINFO, False)
        self.memory = PagedMemory()
        self.memory.add_to(self.prog)
        self.layouts: Layouts = layouts(build)
        self.types = DrgnTypes(self.prog, self.layouts, flags(build))
        self._variables: dict[str, tuple[str | Type, int]] = {}
        self._symbols: dict[str, tuple[int, int, int, int]] = {}
        self._free = DATA
        self.prog.register_type_finder("fake", self._find_type, enable_index=0)
        self.prog.register_object_finder("fake", self._find_object, enable_index=0)
        self.prog.register_symbol_finder("fake", self._find_symbol, enable_index=0)

    # memory

    def allocate(self, size: int) -> int:
        """Return the address of zeros that are on pages of their own."""
        address = self._free
        self._free += -(-max(size, 1) // PAGE) * PAGE
        self.memory.write(address, bytes(self._free - address))
        return address

    def new(self, tag: str, **members: "int | bytes | Struct") -> Struct:
        """Make a structure of zeros, but for the given members."""
        made = Struct(self, tag, self.allocate(self.layouts[tag].size))
        for name, value in members.items():
            made[name] = value
        return made

    def string(self, text: str) -> int:
        """Return the address of a string."""
        address = self.allocate(len(text) + 1)
        self.memory.write(address, text.encode() + b"\0")
        return address

    def put_words(self, address: int, *words: int) -> None:
        """Write instruction words."""
        self.memory.write(address, struct.pack(f"<{len(words)}I", *words))

    def put_u64(self, address: int, *values: int) -> None:
        """Write doublewords."""
        self.memory.write(address, struct.pack(f"<{len(values)}Q", *values))

    def word(self, address: int) -> int:
        """Return the instruction word at an address."""
        return int.from_bytes(self.memory.read(address, 4), "little")

    def link(self, head: int, *nodes: int) -> None:
        """Write a list: ``struct list_head`` at all these addresses."""
        ring = [head, *nodes]
        for index, node in enumerate(ring):
            self.put_u64(node, ring[(index + 1) % len(ring)], ring[index - 1])

    # variables and symbols

    def variable(self, name: str, type_: str, *values: int, symbol: bool = False) -> int:
        """
        Give the kernel a variable; return its address.

        :param type_: ``struct list_head``, ``struct paca_struct **``, ``unsigned long``
        :param values: doublewords that it begins with
        """
        made = self.types.named(type_)
        address = self.allocate(made.size or 8)
        self.put_u64(address, *values)
        self._variables[name] = made, address
        if symbol:
            self.symbol(name, address, made.size or 8, OBJECT)
        return address

    def struct_variable(self, name: str, tag: str, *, symbol: bool = False) -> Struct:
        """Give the kernel a variable that is a structure."""
        return Struct(self, tag, self.variable(name, f"struct {tag}", symbol=symbol))

    def place(self, name: str, type_: Type, address: int) -> None:
        """Give the kernel a variable of any type at an address."""
        self._variables[name] = type_, address

    def forget(self, name: str) -> None:
        """Take a variable away, as a kernel has none of that name."""
        del self._variables[name]

    def symbol(
        self, name: str, address: int, size: int = 0, kind: int = NOTYPE, st_other: int = 0
    ) -> None:
        """Give vmlinux a symbol."""
        self._symbols[name] = address, size, kind, st_other

    def without_symbol(self, name: str) -> None:
        """Take a symbol of vmlinux away."""
        del self._symbols[name]

    def address(self, name: str) -> int:
        """Return where a symbol of vmlinux is."""
        return self._symbols[name][0]

    def target(self) -> Target:
        """Return the kernel as a dump that was opened."""
        vmlinux = MadeObject(kind=2)
        vmlinux.section(".text")
        for name, (address, size, kind, st_other) in self._symbols.items():
            vmlinux.symbol(name, 1, address, size, kind, st_other)
        return Target(
            prog=self.prog,
            source=CoreKind.KDUMP.value,
            vmcoreinfo=Vmcoreinfo(_VMCOREINFO),
            vmlinux=cast(Path, _InMemory(vmlinux.content())),
            build_id="0123abcd",
            mmu="radix",
            page_size=PAGE,
            core=_Core(),
        )

    # what drgn asks

    def _find_type(
        self, prog: Program, kinds: set[TypeKind], name: str, filename: str | None
    ) -> Type | None:
        if kinds & {TypeKind.STRUCT, TypeKind.UNION} and name in self.layouts:
            return self.types.aggregate(name)
        if TypeKind.ENUM in kinds:
            return self.types.enums.get(name)
        return None

    def _find_object(
        self, prog: Program, name: str, flags: FindObjectFlags, filename: str | None
    ) -> Object | None:
        if FindObjectFlags.VARIABLE in flags and name in self._variables:
            type_, address = self._variables[name]
            return Object(prog, type_, address=address)
        if FindObjectFlags.CONSTANT in flags:
            for enum in self.types.enums.values():
                for enumerator in enum.enumerators or ():
                    if enumerator.name == name:
                        return Object(prog, enum, enumerator.value)
        if FindObjectFlags.FUNCTION in flags and name in self._symbols:
            address, _, kind, _ = self._symbols[name]
            if kind == FUNC:
                function = prog.function_type(prog.void_type(), (), False)
                return Object(prog, function, address=address)
        return None

    def _find_symbol(
        self, prog: Program, name: str | None, address: int | None, one: bool
    ) -> list[Symbol]:
        return [
            Symbol(known, at, size, SymbolBinding.GLOBAL, SymbolKind.FUNC)
            for known, (at, size, _, _) in self._symbols.items()
            if (name is None or known == name) and (address is None or at <= address < at + size)
        ][: 1 if one else None]


class _InMemory:
    """The file of a vmlinux, as far as :class:`pathlib.Path` is asked for it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def open(self, mode: str) -> BinaryIO:
        return io.BytesIO(self._content)


class _Core:
    """The file of a dump whose memory is the kernel's, and which has no notes of its own."""

    path = Path("vmcore")
    kind = CoreKind.KDUMP
    by_drgn = True
    not_whole = ()
    vmcoreinfo = Vmcoreinfo(_VMCOREINFO)

    @property
    def ram(self) -> list[range]:
        return []

    def notes(self) -> tuple[bytes, ByteOrder]:
        return b"", "<"

    def add_memory(self, prog: Program) -> None:
        """Add nothing: the program has it."""

    def correct_memory(self, prog: Program) -> None:
        """Correct nothing: the program reads what the test wrote."""
