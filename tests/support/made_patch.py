# SPDX-License-Identifier: GPL-2.0-or-later
"""A small livepatch module made by hand, with room for mistakes."""

import struct
from dataclasses import dataclass

from tests.support.made_object import (
    ADDR64,
    ALLOC,
    NOTYPE,
    OBJECT,
    REL24,
    UNDEF,
    WRITE,
    MadeObject,
)

NOP, BL, B, BLR, MFLR = 0x60000000, 0x48000001, 0x48000000, 0x4E800020, 0x7C0802A6
TOC_SETUP = (0x3C4C0000, 0x38420000)
FUNC_SIZE, OBJECT_SIZE = 152, 168
"""Of klp_func and klp_object in Linux 6.1 and 7.2."""
VERMAGIC = "6.1.176 SMP mod_unload mprofile-kernel relocatable "


@dataclass(frozen=True)
class Func:
    """One klp_func."""

    old_name: str
    new_func: int | None = 0
    """Offset in .text; None is NULL."""
    sympos: int = 0


def modinfo(*entries: str) -> bytes:
    return b"".join(entry.encode() + b"\0" for entry in entries)


def made_patch(
    objects: dict[str | None, list[Func]] | None = None,
    words: tuple[int, ...] = (MFLR, BL, BLR),
    info: tuple[str, ...] = ("livepatch=Y", "name=made_patch", f"vermagic={VERMAGIC}"),
    *,
    listed: bool = True,
    section: str = ".text",
) -> MadeObject:
    """
    Return a module whose klp_objects are in .data, one variable each as a compiler lays them out.

    :param objects: name, None for vmlinux -> functions
    :param words: of the one replacement; word 1 is its call of _mcount
    :param listed: whether __mcount_loc names that call
    :param section: of the replacement
    """
    if objects is None:
        objects = {"scsi_common": [Func("int_to_scsilun")]}
    made = MadeObject()
    text = made.text(section, *words)
    made.section(".modinfo", modinfo(*info))
    strings = b"\0" + b"".join(
        f"{name}\0".encode()
        for one, funcs in objects.items()
        for name in (one or "", *(func.old_name for func in funcs))
    )
    rodata = made.section(".rodata", strings)
    this_module = made.section(".gnu.linkonce.this_module", bytes(0x400), ALLOC | WRITE)
    func_bytes = sum((len(funcs) + 1) * FUNC_SIZE for funcs in objects.values())
    objs_at = func_bytes
    patch_at = objs_at + (len(objects) + 1) * OBJECT_SIZE
    content = bytearray(patch_at + 200)
    data = made.section(".data", b"", ALLOC | WRITE)
    local = {
        number: made.symbol("", number, kind=3) for number in (text, rodata, this_module, data)
    }
    made.symbol("replacement", text, 0, 4 * len(words), other=0x60 if words[:2] == TOC_SETUP else 0)
    at = 0
    for number, (name, funcs) in enumerate(objects.items()):
        obj = objs_at + number * OBJECT_SIZE
        made.symbol(f"funcs_{number}", data, at, (len(funcs) + 1) * FUNC_SIZE, OBJECT)
        made.relocate(data, obj + 8, ADDR64, local[data], at)
        if name is not None:
            made.relocate(
                data, obj, ADDR64, local[rodata], strings.index(f"\0{name}\0".encode()) + 1
            )
        for func in funcs:
            where = strings.index(f"\0{func.old_name}\0".encode()) + 1
            made.relocate(data, at, ADDR64, local[rodata], where)
            if func.new_func is not None:
                made.relocate(data, at + 8, ADDR64, local[text], func.new_func)
            struct.pack_into("<Q", content, at + 16, func.sympos)
            at += FUNC_SIZE
        at += FUNC_SIZE
    made.symbol("objs", data, objs_at, patch_at - objs_at, OBJECT)
    made.relocate(data, patch_at, ADDR64, local[this_module])
    made.relocate(data, patch_at + 8, ADDR64, local[data], objs_at)
    made.fill(data, bytes(content))
    made.symbol("klp_enable_patch", UNDEF, kind=NOTYPE)
    mcount = made.symbol("_mcount", UNDEF, kind=NOTYPE)
    for index, word in enumerate(words):
        if word == BL and index and words[index - 1] == MFLR:
            made.relocate(text, 4 * index, REL24, mcount)
            if listed:
                site = made.section("__mcount_loc", bytes(8))
                made.relocate(site, 0, ADDR64, local[text], 4 * index)
    return made
