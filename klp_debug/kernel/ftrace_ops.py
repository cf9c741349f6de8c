# SPDX-License-Identifier: GPL-2.0-or-later
"""
ftrace_ops and their filters.

Who is called from the sites: the list of ``struct ftrace_ops`` and their filters. Source:
kernel/trace/ftrace.c.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from drgn import Object, Program, offsetof, sizeof

from klp_debug.kernel.ftrace import has_ftrace
from klp_debug.kernel.walk import MAX_ENTRIES, WalkError, for_each_list_entry

_MAX_HASH_BITS = 20  # FTRACE_HASH_MAX_BITS is 12
_FTRACE_HASH_FL_MOD = 1  # kernel/trace/trace.h


def for_each_ftrace_ops(prog: Program) -> Iterator[Object]:
    """
    Iterate over the registered ftrace_ops; over none in a kernel without ftrace.

    >>> len(list(for_each_ftrace_ops(prog)))
    3

    :return: iterator of ``struct ftrace_ops *``
    :raises WalkError, drgn.FaultError: where the list is damaged or unreadable
    """
    if "ftrace_ops_list" not in prog and not has_ftrace(prog):
        return
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


def for_each_ftrace_subops(ops: Object) -> Iterator[Object]:
    """
    Iterate over the ops that an ops manages: it is called, and calls them.

    The function graph tracer has some in 6.12, and not yet in 6.8.

    >>> list(for_each_ftrace_subops(ops))
    []

    :param ops: ``struct ftrace_ops *``
    :return: iterator of ``struct ftrace_ops *``
    :raises WalkError, drgn.FaultError: where the list is damaged or unreadable
    """
    try:
        head = ops.subop_list.address_of_()
    except AttributeError:
        return
    if head.next.value_():  # 0 in an ops that was never initialised
        yield from for_each_list_entry("struct ftrace_ops", head, "list")


def ftrace_hash_entries(hash_: Object) -> dict[int, int]:
    """
    Return what is in a hash: address of a site -> where it is to call directly, if anywhere.

    One read an entry. ``direct`` exists in 5.7, and not yet in 5.4.

    >>> {hex(site): to for site, to in ftrace_hash_entries(ops.func_hash.filter_hash).items()}
    {'0xc0000000003042dc': 0}

    :param hash_: ``struct ftrace_hash *``; NULL is an empty one
    :raises WalkError, drgn.FaultError: where it is damaged or unreadable
    """
    if not hash_.value_() or not hash_.count.value_():
        return {}
    bits = hash_.size_bits.value_()
    if bits > _MAX_HASH_BITS:
        raise WalkError(f"ftrace_hash {hash_.value_():#x} claims 2^{bits} buckets")
    prog = hash_.prog_
    type_ = prog.type("struct ftrace_func_entry")
    node_at, ip_at = offsetof(type_, "hlist"), offsetof(type_, "ip")
    direct_at = offsetof(type_, "direct") if type_.has_member("direct") else None
    buckets = struct.unpack(f"<{1 << bits}Q", prog.read(hash_.buckets.value_(), 8 << bits))
    entries = {}
    seen: set[int] = set()
    for node in buckets:
        while node:
            if node in seen or len(seen) > MAX_ENTRIES:
                raise WalkError(f"ftrace_hash {hash_.value_():#x}: {node:#x} comes again")
            seen.add(node)
            data = prog.read(node - node_at, sizeof(type_))
            (ip,) = struct.unpack_from("<Q", data, ip_at)
            direct = struct.unpack_from("<Q", data, direct_at)[0] if direct_at is not None else 0
            entries[ip] = direct
            (node,) = struct.unpack_from("<Q", data, node_at)
    return entries


def ftrace_hash_empty(hash_: Object) -> bool:
    """
    Return whether a hash is empty, which in a filter means every function.

    One that waits for a module is not (FTRACE_HASH_FL_MOD, since 4.20).

    >>> ftrace_hash_empty(ops.func_hash.filter_hash)
    False

    :param hash_: ``struct ftrace_hash *``
    """
    if not hash_.value_():
        return True
    try:
        flags = hash_.flags.value_()
    except AttributeError:
        flags = 0
    return not hash_.count.value_() and not flags & _FTRACE_HASH_FL_MOD


@dataclass(frozen=True, slots=True)
class FtraceFilter:
    """Which sites an ops wants, as ``ftrace_ops_test()`` decides."""

    everything: bool
    """Whether its filter is empty, which means every function."""
    filter: frozenset[int]
    notrace: frozenset[int]
    """Addresses of sites, of both hashes."""

    def wants(self, ips: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Return which of the sites at ``ips`` it wants, an array of the same shape."""
        wanted = np.ones(len(ips), np.bool_) if self.everything else _among(ips, self.filter)
        return wanted & ~_among(ips, self.notrace)


def _among(ips: npt.NDArray[np.uint64], chosen: frozenset[int]) -> npt.NDArray[np.bool_]:
    return np.isin(ips, np.array(sorted(chosen), np.uint64))


def ftrace_ops_filter(ops: Object) -> FtraceFilter:
    """
    Return the filter of an ops.

    >>> ftrace_ops_filter(ops).everything
    False

    :param ops: ``struct ftrace_ops *``
    :raises WalkError, drgn.FaultError: where a hash is damaged or unreadable
    """
    hashes = ops.func_hash.read_()
    return FtraceFilter(
        everything=ftrace_hash_empty(hashes.filter_hash),
        filter=frozenset(ftrace_hash_entries(hashes.filter_hash)),
        notrace=frozenset(ftrace_hash_entries(hashes.notrace_hash)),
    )


def ftrace_direct_functions(prog: Program) -> dict[int, int]:
    """
    Return the sites that call something of their own: address of the site -> what it calls.

    ``direct_functions``, on ppc64 since Linux kernel commit a52f6043a223 ("powerpc/ftrace: Add
    support for DYNAMIC_FTRACE_WITH_DIRECT_CALLS") (in v6.13).

    >>> ftrace_direct_functions(prog)
    {}

    :raises WalkError, drgn.FaultError: where it is damaged or unreadable
    """
    try:
        hash_ = prog["direct_functions"]
    except KeyError:
        return {}
    return ftrace_hash_entries(hash_)
