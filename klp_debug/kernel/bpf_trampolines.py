# SPDX-License-Identifier: GPL-2.0-or-later
"""
The programs behind the trampolines of BPF, which ftrace calls directly.

Source: kernel/bpf/trampoline.c, include/linux/bpf.h. ppc64 has them since Linux 6.13.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from drgn import Object, Program, sizeof

from klp_debug.kernel.walk import c_array_string, for_each_hlist_entry

_TABLES = (("trampoline_key_table", "hlist_key"), ("trampoline_table", "hlist"))
"""Hash tables of ``struct bpf_trampoline`` with the member that links them; the newer first."""


@dataclass(frozen=True, slots=True)
class BpfProgram:
    """One program."""

    name: str
    id: int
    """As bpftool shows it."""


def bpf_programs_at(prog: Program, target: int) -> list[BpfProgram] | None:
    """
    Return the programs that a trampoline of BPF calls; None if no trampoline is at an address.

    >>> bpf_programs_at(prog, 0xC008000000320000)
    [BpfProgram(name='at_exit', id=3)]

    :raises WalkError, drgn.FaultError: where the table is damaged or unreadable
    """
    for trampoline in _for_each_trampoline(prog):
        image = trampoline.cur_image.read_()
        if not image:
            continue
        start = image.image.value_()
        if start <= target < start + max(image.size.value_(), 1):
            return list(_programs(trampoline))
    return None


def _for_each_trampoline(prog: Program) -> Iterator[Object]:
    for table, member in _TABLES:
        try:
            heads = prog[table]
        except LookupError:  # no CONFIG_BPF_JIT, or a kernel with the other table
            continue
        size = sizeof(heads)
        used = struct.unpack(f"<{size // 8}Q", prog.read(heads.address_, size))
        for index, first in enumerate(used):
            if first:
                head = heads[index].address_of_()
                yield from for_each_hlist_entry("struct bpf_trampoline", head, member)
        return


def _programs(trampoline: Object) -> Iterator[BpfProgram]:
    prog = trampoline.prog_
    try:
        # Several attachments can share a link's program in 7.2, each by a node of its own.
        prog.type("struct bpf_tramp_node")
        type_ = "struct bpf_tramp_node"
    except LookupError:
        type_ = "struct bpf_tramp_link"
    for head in trampoline.progs_hlist:
        for node in for_each_hlist_entry(type_, head.address_of_(), "tramp_hlist"):
            aux = node.link.prog.aux.read_()
            yield BpfProgram(c_array_string(aux.name), aux.id.value_())
