# SPDX-License-Identifier: GPL-2.0-or-later
"""C structures as text, laid out as ppc64's ABI does, for drgn and for whoever writes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from drgn import Program, Type, TypeEnumerator, TypeMember

_SIZES = {
    "bool": 1,
    "char": 1,
    "u8": 1,
    "u16": 2,
    "int": 4,
    "unsigned int": 4,
    "u32": 4,
    "long": 8,
    "unsigned long": 8,
    "u64": 8,
    "void": 1,
}
_SIGNED = {"char", "int", "long"}
_AGGREGATE = re.compile(r"(struct|union) (\w+) \{(.*?)\};", re.DOTALL)
_MEMBER = re.compile(r"(.+?)\s*(\**)\s*(\w+)((?:\[\d*\])*)")


@dataclass(frozen=True, slots=True)
class CType:
    """``unsigned long``, ``struct module``, with as many ``*`` and dimensions as it has."""

    base: str
    pointers: int
    dimensions: tuple[int | None, ...]
    """Of an array, the outermost first; None is that of a flexible array."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a structure."""

    name: str
    type: CType
    offset: int
    """In bytes from the beginning of the structure."""
    size: int
    """In bytes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A structure or union."""

    kind: str
    tag: str
    members: tuple[Member, ...]
    size: int
    alignment: int

    def member(self, name: str) -> Member:
        return next(member for member in self.members if member.name == name)


class Layouts:
    """The structures of one kernel; later ones may have earlier ones as members."""

    def __init__(self, text: str) -> None:
        self._layouts: dict[str, Layout] = {}
        for kind, tag, body in _AGGREGATE.findall(text):
            self._layouts[tag] = self._lay_out(kind, tag, body)

    def __contains__(self, tag: str) -> bool:
        return tag in self._layouts

    def __getitem__(self, tag: str) -> Layout:
        return self._layouts[tag]

    def locate(self, tag: str, path: str) -> tuple[int, int]:
        """Return (offset, size), in bytes, of a member: ``fops.func`` of ``klp_ops``."""
        offset = 0
        for name in path.split("."):
            member = self._layouts[tag].member(name)
            offset += member.offset
            tag = member.type.base.partition(" ")[2]
        return offset, member.size

    def _lay_out(self, kind: str, tag: str, body: str) -> Layout:
        members, offset, size, alignment = [], 0, 0, 1
        for declaration in filter(None, map(str.strip, body.split(";"))):
            match = _MEMBER.fullmatch(declaration)
            assert match is not None, declaration
            base, stars, name, dimensions = match.groups()
            lengths = tuple(int(n) if n else None for n in re.findall(r"\[(\d*)\]", dimensions))
            type_ = CType(base, len(stars), lengths)
            of_member, aligned = self._size(type_)
            offset = -(-offset // aligned) * aligned if kind == "struct" else 0
            members.append(Member(name, type_, offset, of_member))
            offset += of_member
            size, alignment = max(size, offset), max(alignment, aligned)
        return Layout(kind, tag, tuple(members), -(-size // alignment) * alignment, alignment)

    def _size(self, type_: CType) -> tuple[int, int]:
        """Return the size and the alignment of a type, in bytes."""
        if type_.pointers:
            size = alignment = 8
        elif " " in type_.base and type_.base.split()[0] in ("struct", "union"):
            layout = self._layouts[type_.base.split()[1]]
            size, alignment = layout.size, layout.alignment
        else:
            size = alignment = _SIZES[type_.base]
        for length in type_.dimensions:
            size *= length or 0
        return size, alignment


class DrgnTypes:
    """Structures as types of a drgn program, each made when it is first asked for."""

    def __init__(
        self, prog: Program, layouts: Layouts, enums: Mapping[str, Mapping[str, int]]
    ) -> None:
        self._prog = prog
        self._layouts = layouts
        self._made: dict[str, Type] = {}
        self.enums = {
            tag: prog.enum_type(
                tag,
                prog.int_type("unsigned long", 8, False),
                [TypeEnumerator(name, value) for name, value in values.items()],
            )
            for tag, values in enums.items()
        }

    def aggregate(self, tag: str) -> Type:
        """Return a struct or union by its tag."""
        if tag not in self._made:
            layout = self._layouts[tag]
            make = self._prog.struct_type if layout.kind == "struct" else self._prog.union_type
            members = [
                TypeMember(partial(self._type, member.type), member.name, 8 * member.offset)
                for member in layout.members
            ]
            self._made[tag] = make(tag, layout.size, members)
        return self._made[tag]

    def named(self, declaration: str) -> Type:
        """Return a type as C writes it: ``struct module *``, ``int``."""
        match = _MEMBER.fullmatch(f"{declaration} x")
        assert match is not None
        base, stars, _, _ = match.groups()
        return self._type(CType(base, len(stars), ()))

    def _type(self, type_: CType) -> Type:
        made = self._base(type_.base)
        for _ in range(type_.pointers):
            made = self._prog.pointer_type(made)
        for length in reversed(type_.dimensions):
            made = self._prog.array_type(made, length)
        return made

    def _base(self, base: str) -> Type:
        if base == "void":
            return self._prog.void_type()
        if base == "bool":
            return self._prog.bool_type("_Bool", 1)
        if base not in _SIZES:
            return self.aggregate(base.split()[1])
        return self._prog.int_type(base, _SIZES[base], base in _SIGNED)
