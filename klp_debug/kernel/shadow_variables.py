# SPDX-License-Identifier: GPL-2.0-or-later
"""
Shadow variables: data that patches keep with objects of the kernel's.

Source: kernel/livepatch/shadow.c. The kernel does not keep how much there is.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from drgn import Object, Program, sizeof
from drgn.helpers.linux.slab import slab_object_info

from klp_debug.kernel.walk import for_each_hlist_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class KlpShadow:
    """One ``struct klp_shadow``."""

    id: int
    """What patches know it by."""
    obj: int
    """Address of the object that it is for."""
    data: int
    """Address."""
    pointer: Object
    """``struct klp_shadow *``."""


def for_each_klp_shadow(prog: Program) -> Iterator[KlpShadow]:
    """
    Iterate over the shadow variables, in the order of their hash table.

    >>> [hex(shadow.id) for shadow in for_each_klp_shadow(prog)]
    ['0x51ad']

    :raises WalkError, drgn.FaultError: where the table is damaged or unreadable
    """
    try:
        table = prog["klp_shadow_hash"]
    except LookupError:  # since 4.15
        return
    # Most of its 4,096 buckets are empty.
    size = sizeof(table)
    for index, first in enumerate(struct.unpack(f"<{size // 8}Q", prog.read(table.address_, size))):
        if not first:
            continue
        head = table[index].address_of_()
        for shadow in for_each_hlist_entry("struct klp_shadow", head, "node"):
            yield KlpShadow(
                id=shadow.id.value_(),
                obj=shadow.obj.value_(),
                data=shadow.data.address_of_().value_(),
                pointer=shadow,
            )


def klp_shadow_room(shadow: KlpShadow) -> int | None:
    """
    Return how many bytes the data of a shadow variable can have; None if it is in no slab.

    >>> klp_shadow_room(shadow)
    16

    :raises drgn.FaultError, LookupError: if the slab that it is in cannot be read
    """
    pointer = shadow.pointer
    found = slab_object_info(pointer.prog_, pointer.value_())
    if found is None or not found.slab_cache:
        return None
    size = int(found.slab_cache.object_size.value_())
    return found.address + size - shadow.data
