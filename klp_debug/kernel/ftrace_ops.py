# SPDX-License-Identifier: GPL-2.0-or-later
"""
ftrace_ops and their filters.

Who is called from the sites: the list of ``struct ftrace_ops`` and their filters. Source:
kernel/trace/ftrace.c.
"""

from collections.abc import Iterator

from drgn import Object, Program

from klp_debug.kernel.walk import MAX_ENTRIES, WalkError, for_each_hlist_entry

_MAX_HASH_BITS = 20  # FTRACE_HASH_MAX_BITS is 12


def for_each_ftrace_ops(prog: Program) -> Iterator[Object]:
    """
    Iterate over the registered ftrace_ops.

    :return: iterator of ``struct ftrace_ops *``
    :raises WalkError, drgn.FaultError: where the list is damaged or unreadable
    """
    end = prog["ftrace_list_end"].address_
    seen: set[int] = set()
    ops = prog["ftrace_ops_list"].read_()
    while ops.value_() != end:
        if not ops.value_():
            raise WalkError("ftrace_ops_list ends in NULL, not in ftrace_list_end")
        if ops.value_() in seen or len(seen) > MAX_ENTRIES:
            raise WalkError(f"ftrace_ops_list runs in a cycle: {ops.value_():#x} comes again")
        seen.add(ops.value_())
        yield ops
        ops = ops.next.read_()


def ftrace_hash_ips(hash_: Object) -> set[int]:
    """
    Return the addresses in a filter.

    :param hash_: ``struct ftrace_hash *``; NULL is an empty one
    :raises WalkError, drgn.FaultError: where it is damaged or unreadable
    """
    if not hash_.value_() or not hash_.count.value_():
        return set()
    bits = hash_.size_bits.value_()
    if bits > _MAX_HASH_BITS:
        raise WalkError(f"ftrace_hash {hash_.value_():#x} claims 2^{bits} buckets")
    return {
        entry.ip.value_()
        for index in range(1 << bits)
        for entry in for_each_hlist_entry(
            "struct ftrace_func_entry", hash_.buckets[index].first, "hlist"
        )
    }


def ftrace_ops_test(ops: Object, ip: int) -> bool:
    """
    Return whether an ops wants the site at ``ip``, as the kernel's own ``ftrace_ops_test()``.

    An empty filter means every site; the notrace filter takes sites away.

    :param ops: ``struct ftrace_ops *``
    :raises WalkError, drgn.FaultError: where a filter is damaged or unreadable
    """
    filter_ = ftrace_hash_ips(ops.func_hash.filter_hash)
    if filter_ and ip not in filter_:
        return False
    return ip not in ftrace_hash_ips(ops.func_hash.notrace_hash)
