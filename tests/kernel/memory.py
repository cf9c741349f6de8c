# SPDX-License-Identifier: GPL-2.0-or-later
"""A program whose memory is what a test says, to put damage into structures."""

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
)

LIST_ADDRESS = 0x1000


class ListProgram:
    """A program with a ``struct list_head`` at LIST_ADDRESS and entries that embed one."""

    def __init__(self) -> None:
        flags = PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN
        self.prog = Program(Platform(Architecture.PPC64, flags))
        self._memory: dict[int, int] = {}
        self.prog.add_memory_segment(0, 1 << 20, self._read)
        u64 = self.prog.int_type("unsigned long", 8, False)
        self.list_head = self._list_head()
        self.entry = self.prog.struct_type(
            "entry", 24, (TypeMember(u64, "value"), TypeMember(self.list_head, "node", 64))
        )
        self.prog.register_type_finder("test", self._find_type, enable_index=0)

    def _list_head(self) -> Type:
        def pointer() -> Type:
            return self.prog.pointer_type(self.list_head)

        members = (TypeMember(pointer, "next"), TypeMember(pointer, "prev", 64))
        return self.prog.struct_type("list_head", 16, members)

    def _find_type(self, prog: Program, kinds: object, name: str, filename: object) -> Type | None:
        return {"entry": self.entry, "list_head": self.list_head}.get(name)

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

    def link(self, *entries: int) -> None:
        """Write a list of entries, whose nodes are 8 bytes into them."""
        nodes = [LIST_ADDRESS, *(entry + 8 for entry in entries)]
        for index, node in enumerate(nodes):
            self.put(node, nodes[(index + 1) % len(nodes)], nodes[index - 1])
        for number, entry in enumerate(entries):
            self.put(entry, number)

    @property
    def head(self) -> Object:
        return Object(self.prog, self.prog.pointer_type(self.list_head), LIST_ADDRESS)
