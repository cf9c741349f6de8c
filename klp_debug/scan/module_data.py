# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a livepatch module replaces, read from its data before anything is loaded.

A module has klp_patch, klp_object and klp_func (include/linux/livepatch.h). What is a pointer in
them is a relocation of the module's own data yet: one against ``__this_module`` is where a
``klp_patch`` begins, and from there each relocation leads on. The sizes are those of debugging
information; without any, the arrays are told by their relocations.

A patch has other structures that begin so: a ``file_operations``, a parameter, entries of its TOC.
The one that leads to a function's name and a replacement in text is the klp_patch; only where none
does, what merely looks like one is taken.

A module of kpatch-build has rows of its section ``.kpatch.funcs`` instead, of which its core makes
klp_objects when it is loaded: ``struct kpatch_patch_func`` in kmod/patch/kpatch-patch.h of kpatch.
Its first versions had no ``sympos`` and rows of 48 bytes; these are not read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from klp_debug.elf.format import SHF_WRITE, STT_OBJECT
from klp_debug.elf.object_file import ObjectFile
from klp_debug.elf.struct_layout import StructLayout
from klp_debug.scan.patch_marks import KPATCH_SECTION
from klp_debug.scan.pointers import Pointers, SectionOffset

STRUCTS = ("klp_patch", "klp_object", "klp_func")
LIKELY_LAYOUTS: Mapping[str, StructLayout] = {
    "klp_patch": StructLayout(None, {"mod": 0, "objs": 8}),
    "klp_object": StructLayout(None, {"name": 0, "funcs": 8}),
    "klp_func": StructLayout(None, {"old_name": 0, "new_func": 8, "old_sympos": 16}),
}
"""What has not changed since v4.7, where ``relocs`` left klp_object; the sizes have."""

_MOST = 8192
"""Elements of all arrays. Bounds the walk of a damaged file."""
_LARGEST = 1024
"""Bytes of one element, where its size is not known."""

_NEW_ADDR, _SYMPOS, _NAME, _OBJNAME = 0, 32, 40, 48
"""Where the members that matter are in a row of it, in bytes."""
_ROW_SIZE = 56
_MOST_ROWS = 4096


@dataclass(frozen=True, slots=True)
class KlpFunc:
    """One ``struct klp_func`` as the module's source fills it."""

    old_name: str
    sympos: int
    new_func: SectionOffset | None
    """None if there is none in this module."""


@dataclass(frozen=True, slots=True)
class KlpObject:
    """One ``struct klp_object``."""

    name: str
    """``vmlinux`` where the structure has NULL."""
    named: bool
    """Whether the structure has a name; one that says ``vmlinux`` is a mistake."""
    funcs: tuple[KlpFunc, ...]


class PatchData:
    """Reads the patches of one module."""

    def __init__(self, obj: ObjectFile, layouts: Mapping[str, StructLayout]) -> None:
        """Prepare to read OBJ; LAYOUTS are of :data:`STRUCTS`."""
        self._obj = obj
        self._layouts = layouts
        self._pointers = Pointers(obj)
        self._left = _MOST

    def objects(self) -> tuple[KlpObject, ...]:
        """Return the objects of all patches in the module's data."""
        this_module = self._obj.named_section(".gnu.linkonce.this_module")
        if this_module is None:
            return ()
        layout = self._layouts["klp_patch"].offsets
        step = layout["objs"] - layout["mod"]
        sure: list[KlpObject] = []
        likely: list[KlpObject] = []
        for (section, offset), target in self._pointers:
            if target != (this_module.index, 0) or not self._is_variable((section, offset)):
                continue
            start = self._pointers.target((section, offset + step))
            if start is None or not self._is_variable(start):
                continue
            objects = tuple(self._objects(start))
            (sure if self._replaces(objects) else likely).extend(objects)
        return tuple(sure or likely)

    def _is_variable(self, place: SectionOffset) -> bool:
        """Return whether a place is in data that can be written, as livepatch does."""
        section = self._obj.sections[place[0]]
        return bool(section.flags & SHF_WRITE) and not section.is_text and section.name != ".toc"

    def _replaces(self, objects: tuple[KlpObject, ...]) -> bool:
        """Return whether one of the functions has a replacement that is text."""
        return any(
            func.new_func is not None and self._obj.sections[func.new_func[0]].is_text
            for obj in objects
            for func in obj.funcs
        )

    def _objects(self, start: SectionOffset) -> Iterator[KlpObject]:
        layout = self._layouts["klp_object"]
        name_at, funcs_at = layout.offsets["name"], layout.offsets["funcs"]

        def looks_like_one(place: SectionOffset) -> bool:
            funcs = self._pointers.target(_behind(place, funcs_at))
            return funcs is not None and self._pointers.string(funcs) is not None

        for place in self._elements(start, layout.size, looks_like_one, (name_at, funcs_at)):
            name = self._pointers.string(_behind(place, name_at))
            funcs = self._pointers.target(_behind(place, funcs_at))
            # Other structures have THIS_MODULE before a pointer, too: the groups of a class, the
            # operations of a block device.
            if name is None and _behind(place, name_at) in self._pointers:
                return
            if funcs is not None and not self._is_variable(funcs):
                return
            yield KlpObject(
                name="vmlinux" if name is None else name,
                named=name is not None,
                funcs=tuple(self._funcs(funcs)) if funcs is not None else (),
            )

    def _funcs(self, start: SectionOffset) -> Iterator[KlpFunc]:
        layout = self._layouts["klp_func"]
        name_at, new_at = layout.offsets["old_name"], layout.offsets["new_func"]

        def looks_like_one(place: SectionOffset) -> bool:
            new = self._pointers.target(_behind(place, new_at))
            named = self._pointers.string(_behind(place, name_at)) is not None
            return named and new is not None and self._obj.sections[new[0]].is_text

        for place in self._elements(start, layout.size, looks_like_one, (name_at,)):
            name = self._pointers.string(_behind(place, name_at))
            if name is None:
                return
            yield KlpFunc(
                old_name=name,
                sympos=self._pointers.number(_behind(place, layout.offsets["old_sympos"])),
                new_func=self._pointers.target(_behind(place, new_at)),
            )

    def _elements(
        self,
        start: SectionOffset,
        size: int | None,
        looks_like_one: Callable[[SectionOffset], bool],
        pointers: tuple[int, ...],
    ) -> Iterator[SectionOffset]:
        """
        Yield the elements of an array that a zeroed one ends.

        :param size: of an element in bytes; if None, the next that looks like one tells it
        :param pointers: offsets of the members of which one must be set
        """
        place = start
        is_known = size is not None
        while self._left:
            self._left -= 1
            if not any(_behind(place, at) in self._pointers for at in pointers):
                return
            yield place
            if size is None:
                size = self._size_by_next(place, looks_like_one)
                if size is None:
                    return
            place = _behind(place, size)
            if not is_known and place in self._pointers.pointed_to:
                return  # the next array

    def _size_by_next(
        self, place: SectionOffset, looks_like_one: Callable[[SectionOffset], bool]
    ) -> int | None:
        end = self._end_of_variable(place)
        for size in range(16, _LARGEST, 8):
            following = _behind(place, size)
            if following[1] >= end or following in self._pointers.pointed_to:
                return None
            if looks_like_one(following):
                return size
        return None

    def _end_of_variable(self, place: SectionOffset) -> int:
        """Return where the symbol at a place ends; without one, where an element surely does."""
        symbols = self._obj.symbols
        here = (self._obj.symbol_sections == place[0]) & (symbols["value"] == place[1])
        here &= symbols["info"] & 0xF == STT_OBJECT
        sizes = symbols["size"][here]
        size = min(int(sizes.max()), 1 << 24) if len(sizes) else _LARGEST
        return place[1] + size


def _behind(place: SectionOffset, step: int) -> SectionOffset:
    return place[0], place[1] + step


def kpatch_objects(obj: ObjectFile) -> tuple[KlpObject, ...]:
    """Return the objects of a module of kpatch-build, as its core makes them; of others, none."""
    section = obj.named_section(KPATCH_SECTION)
    if section is None or section.size % _ROW_SIZE:
        return ()
    pointers = Pointers(obj)
    objects: dict[str, list[KlpFunc]] = {}
    for start in range(0, min(section.size // _ROW_SIZE, _MOST_ROWS) * _ROW_SIZE, _ROW_SIZE):
        name = pointers.string((section.index, start + _NAME))
        in_object = pointers.string((section.index, start + _OBJNAME))
        if name is None or in_object is None:
            continue
        objects.setdefault(in_object, []).append(
            KlpFunc(
                old_name=name,
                sympos=pointers.number((section.index, start + _SYMPOS)),
                new_func=pointers.target((section.index, start + _NEW_ADDR)),
            )
        )
    # Here vmlinux has its name: the core makes NULL of it.
    return tuple(
        KlpObject(name=name, named=name != "vmlinux", funcs=tuple(funcs))
        for name, funcs in objects.items()
    )
