# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a module of klp-build replaces: the arrays that its init makes the klp_patch from.

They are a section of ``struct klp_object_ext``, each with a pointer to as many ``struct
klp_func_ext`` as it says, in a section of their own. Nothing ends an array but its number.

Source: include/linux/livepatch_external.h, scripts/livepatch/init.c,
``create_klp_sections()`` in tools/objtool/klp-diff.c. powerpc does not select HAVE_KLP_BUILD in
v7.2, so no ppc64le module of it was ever seen; the layout is that of all 64-bit machines.
"""

from collections.abc import Iterator
from itertools import islice

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.module_data import KlpFunc, KlpObject
from klp_debug.scan.patch_marks import klp_build_section
from klp_debug.scan.pointers import Pointers, SectionOffset

_NAME, _FUNCS, _NR_FUNCS, _OBJECT_SIZE = 0, 8, 56, 64
"""``struct klp_object_ext``, with its ``struct klp_callbacks`` of 40 bytes at 16."""
_OLD_NAME, _NEW_FUNC, _SYMPOS, _FUNC_SIZE = 0, 8, 16, 24
"""``struct klp_func_ext``"""
_MOST = 8192
"""Elements of all arrays. Bounds the walk of a damaged file."""


def klp_build_objects(obj: ObjectFile) -> tuple[KlpObject, ...]:
    """
    Return the objects of a module of klp-build, as its init makes them; of others, none.

    >>> [one.name for one in klp_build_objects(ObjectFile(Path("livepatch-fix.ko")))]
    ['vmlinux', 'scsi_common']
    """
    section = klp_build_section(obj)
    if section is None or section.size % _OBJECT_SIZE:
        return ()
    pointers = Pointers(obj)
    left = _MOST
    objects = []
    for start in range(0, min(section.size, _MOST * _OBJECT_SIZE), _OBJECT_SIZE):
        name = pointers.string((section.index, start + _NAME))
        if name is None and (section.index, start + _NAME) in pointers:
            continue  # a name that cannot be read: not vmlinux, which has NULL
        funcs = tuple(islice(_funcs(obj, pointers, (section.index, start)), left))
        left -= len(funcs)
        objects.append(
            KlpObject(name="vmlinux" if name is None else name, named=name is not None, funcs=funcs)
        )
    return tuple(objects)


def _funcs(obj: ObjectFile, pointers: Pointers, place: SectionOffset) -> Iterator[KlpFunc]:
    """Yield the functions of the object at a place, as far as their section goes."""
    index, start = place
    first = pointers.target((index, start + _FUNCS))
    if first is None:
        return
    number = pointers.number((index, start + _NR_FUNCS)) & 0xFFFFFFFF
    number = min(number, (obj.sections[first[0]].size - first[1]) // _FUNC_SIZE)
    for at in range(first[1], first[1] + number * _FUNC_SIZE, _FUNC_SIZE):
        name = pointers.string((first[0], at + _OLD_NAME))
        if name is not None:
            yield KlpFunc(
                old_name=name,
                sympos=pointers.number((first[0], at + _SYMPOS)),
                new_func=pointers.target((first[0], at + _NEW_FUNC)),
            )
