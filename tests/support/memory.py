# SPDX-License-Identifier: GPL-2.0-or-later
"""A program whose memory is what a test says, to put damage into structures."""

import functools
import struct

from drgn import (
    Architecture,
    FaultError,
    Object,
    Platform,
    PlatformFlags,
    Program,
    Type,
    TypeMember,
    sizeof,
)

LIST_ADDRESS = 0x1000


class MemoryProgram:
    """A program with 1 MiB of memory, of which only what was written is there."""

    def __init__(self) -> None:
        flags = PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN
        self.prog = Program(Platform(Architecture.PPC64, flags))
        self._memory: dict[int, int] = {}
        self.prog.add_memory_segment(0, 1 << 20, self._read)
        self.u64 = self.prog.int_type("unsigned long", 8, False)
        self._types: dict[str, Type] = {}
        self._variables: dict[str, Object] = {}
        self.prog.register_type_finder("test", self._find_type, enable_index=0)
        self.prog.register_object_finder("test", self._find_object, enable_index=0)

    def struct(self, tag: str, **members: Type | str) -> Type:
        """
        Make a struct of members one behind the other.

        :param members: a type, or the tag of a struct that it is a pointer to
        """
        placed, offset = [], 0
        for name, what in members.items():
            if isinstance(what, str):
                placed.append(TypeMember(functools.partial(self.pointer, what), name, 8 * offset))
                offset += 8
            else:
                placed.append(TypeMember(what, name, 8 * offset))
                offset += sizeof(what)
        self._types[tag] = self.prog.struct_type(tag, offset, placed)
        return self._types[tag]

    def pointer(self, tag: str) -> Type:
        """Return the type of a pointer to a struct that was made."""
        return self.prog.pointer_type(self._types[tag])

    def at(self, tag: str, address: int) -> Object:
        """Return a pointer to a struct."""
        return Object(self.prog, self.pointer(tag), address)

    def variable(self, name: str, type_: Type, address: int) -> None:
        """Give the program a variable."""
        self._variables[name] = Object(self.prog, type_, address=address)

    def _find_object(
        self, prog: Program, name: str, flags: object, filename: object
    ) -> Object | None:
        return self._variables.get(name)

    def _find_type(self, prog: Program, kinds: object, name: str, filename: object) -> Type | None:
        return self._types.get(name)

    def _read(self, address: int, count: int, offset: int, physical: bool) -> bytes:
        words = []
        start = address & ~7
        for at in range(start, address + count, 8):
            if at not in self._memory:
                raise FaultError("not in this test's memory", at)
            words.append(self._memory[at])
        data = struct.pack(f"<{len(words)}Q", *words)
        return data[address - start : address - start + count]

    def put(self, address: int, *words: int) -> None:
        """Write doublewords."""
        for index, word in enumerate(words):
            self._memory[address + 8 * index] = word


class ListProgram(MemoryProgram):
    """A program with a ``struct list_head`` at LIST_ADDRESS and entries that embed one."""

    def __init__(self) -> None:
        super().__init__()
        list_head = self.struct("list_head", next="list_head", prev="list_head")
        self.struct("entry", value=self.u64, node=list_head)

    def link(self, *entries: int) -> None:
        """Write a list of entries, whose nodes are 8 bytes into them."""
        nodes = [LIST_ADDRESS, *(entry + 8 for entry in entries)]
        for index, node in enumerate(nodes):
            self.put(node, nodes[(index + 1) % len(nodes)], nodes[index - 1])
        for number, entry in enumerate(entries):
            self.put(entry, number)

    @property
    def head(self) -> Object:
        return self.at("list_head", LIST_ADDRESS)
