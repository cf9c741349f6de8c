# SPDX-License-Identifier: GPL-2.0-or-later
"""
List walks that end, whatever the target's memory holds.

drgn's own list helpers trust the list: a cycle that misses the head never ends. Here every
walk is bounded, and an entry met twice, a NULL link or a broken ``prev`` ends it with an error
that says where.
"""

from collections.abc import Iterator

from drgn import Object, container_of

MAX_ENTRIES = 1 << 20
"""More entries than any list here can have in a working kernel."""
_LINE = 64
"""Bytes that are read of a string at once, from addresses that are multiples of it."""


class WalkError(Exception):
    """A list or table of the target that is damaged; the message says where."""


def for_each_list_entry(type_: str, head: Object, member: str) -> Iterator[Object]:
    """
    Iterate over the entries of a ``struct list_head``.

    :param type_: type of an entry, ``struct klp_patch``
    :param head: ``struct list_head *``
    :param member: the entry's ``struct list_head`` member
    :return: iterator of ``type_ *``
    :raises WalkError: where the list is damaged, after the entries before that place
    :raises drgn.FaultError: where an entry cannot be read
    """
    start = head.value_()
    seen = {start}
    previous = start
    node = head.next.read_()
    while node.value_() != start:
        address = node.value_()
        if not address:
            raise WalkError(f"list at {start:#x}: next of {previous:#x} is NULL")
        if address in seen:
            raise WalkError(f"list at {start:#x} runs in a cycle: {address:#x} comes again")
        if len(seen) > MAX_ENTRIES:
            raise WalkError(f"list at {start:#x} has over {MAX_ENTRIES} entries")
        back = node.prev.value_()
        if back != previous:
            raise WalkError(
                f"list at {start:#x}: prev of {address:#x} is {back:#x}, not {previous:#x}"
            )
        seen.add(address)
        yield container_of(node, type_, member)
        previous = address
        node = node.next.read_()


def for_each_hlist_entry(type_: str, head: Object, member: str) -> Iterator[Object]:
    """
    Iterate over the entries of a ``struct hlist_head``.

    :param type_: type of an entry, ``struct kprobe``
    :param head: ``struct hlist_head *``
    :param member: the entry's ``struct hlist_node`` member
    :return: iterator of ``type_ *``
    :raises WalkError: where the list is damaged, after the entries before that place
    :raises drgn.FaultError: where an entry cannot be read
    """
    start = head.value_()
    seen: set[int] = set()
    node = head.first.read_()
    while node.value_():
        address = node.value_()
        if address in seen:
            raise WalkError(f"hash list at {start:#x} runs in a cycle: {address:#x} comes again")
        if len(seen) > MAX_ENTRIES:
            raise WalkError(f"hash list at {start:#x} has over {MAX_ENTRIES} entries")
        seen.add(address)
        yield container_of(node, type_, member)
        node = node.next.read_()


def c_string(pointer: Object, limit: int = 512) -> str:
    """
    Return the string a ``char *`` points to, as printable text of at most ``limit`` bytes.

    >>> c_string(prog['saved_command_line'])
    'console=hvc0 crashkernel=160M@256M panic=1'

    :raises drgn.FaultError: if it cannot be read
    """
    # drgn would ask for each character by itself. A line of memory is never on two pages.
    start, data = pointer.value_(), bytearray()
    while len(data) < limit:
        address = start + len(data)
        line = pointer.prog_.read(address, -address % _LINE or _LINE)
        text, end, _ = line.partition(b"\0")
        data += text
        if end:
            break
    return bytes(data[:limit]).decode("ascii", "backslashreplace")


def c_array_string(array: Object) -> str:
    """
    Return the string in a ``char[]``, with what is not ASCII escaped.

    >>> c_array_string(module.name)
    'leaf_patch'

    :raises drgn.FaultError: if it cannot be read
    """
    # Read as a whole: drgn would ask for each character by itself.
    return bytes(array.read_().string_()).decode("ascii", "backslashreplace")
