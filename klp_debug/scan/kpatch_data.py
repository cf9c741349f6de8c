# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a module of kpatch-build replaces: the rows of its section ``.kpatch.funcs``.

Its core makes klp_objects of them when it is loaded, so its data holds none. Source: ``struct
kpatch_patch_func`` in kmod/patch/kpatch-patch.h of kpatch. Its first versions had no ``sympos`` and
rows of 48 bytes; these are not read.
"""

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.module_data import KlpFunc, KlpObject
from klp_debug.scan.pointers import Pointers

SECTION = ".kpatch.funcs"
_NEW_ADDR, _SYMPOS, _NAME, _OBJNAME = 0, 32, 40, 48
_SIZE = 56
_MOST = 4096


def kpatch_objects(obj: ObjectFile) -> tuple[KlpObject, ...]:
    """Return the objects of a module of kpatch-build, as its core makes them; of others, none."""
    section = obj.named_section(SECTION)
    if section is None or section.size % _SIZE:
        return ()
    pointers = Pointers(obj)
    objects: dict[str, list[KlpFunc]] = {}
    for start in range(0, min(section.size // _SIZE, _MOST) * _SIZE, _SIZE):
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
