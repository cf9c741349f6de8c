# SPDX-License-Identifier: GPL-2.0-or-later
"""
ftrace records.

The ``struct dyn_ftrace`` of every mcount site, read a page at a time. Source:
kernel/trace/ftrace.c and include/linux/ftrace.h.
"""

from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from drgn import FaultError, Object, Program, offsetof, sizeof

from klp_debug.kernel.walk import MAX_ENTRIES, WalkError
from klp_debug.result.unknown import Unknown, first_unknown

OPS_POINTER_OFFSET = -8
"""
Bytes from ``insn[0]`` of an out-of-line stub, which a record names, to ``ftrace_op``: with that
``struct ftrace_ool_stub`` of a CALL_OPS kernel begins.
"""
_MAX_PAGES = 1 << 16
_MAX_RECORDS_PER_PAGE = 1 << 18  # ENTRIES_PER_PAGE of the largest order, generously


@dataclass(frozen=True, slots=True, kw_only=True)
class FtraceRecord:
    """One ``struct dyn_ftrace``."""

    address: int
    """Of the record itself."""
    ip: int
    """
    The mcount site, as ftrace names it.

    The instruction that is switched, but for kernels 6.6 to 6.12 built with
    ``-fpatchable-function-entry``, where it is still that instruction (entry + 4).
    """
    flags: int
    ool_stub: int
    """
    ``insn[0]`` of its out-of-line stub (``arch.ool_stub``); 0 where the kernel has none.

    Since Linux kernel commit eec37961a56a ("powerpc64/ftrace: Move ftrace sequence out of line")
    (in v6.13).
    """


class FtraceRecords:
    """
    All records of a kernel and its modules, sorted by ``ip``.

    ``addresses``, ``ips``, ``flags`` and ``ool_stubs`` are arrays of shape (number of records,),
    u64.
    """

    def __init__(
        self,
        addresses: npt.NDArray[np.uint64],
        raw: npt.NDArray[np.void],
        missing: Unknown | None = None,
    ) -> None:
        """
        Take records.

        :param addresses: of the records themselves
        :param raw: structured array with ``ip``, ``flags`` and maybe ``ool_stub``
        :param missing: why there may be others, which could not be read
        """
        self.missing = missing
        order = np.argsort(raw["ip"], kind="stable")
        self.addresses = addresses[order]
        self.ips: npt.NDArray[np.uint64] = raw["ip"][order]
        self.flags: npt.NDArray[np.uint64] = raw["flags"][order]
        self.out_of_line = "ool_stub" in (raw.dtype.names or ())
        """Whether this kernel keeps part of each site out of line."""
        self.ool_stubs: npt.NDArray[np.uint64] = (
            raw["ool_stub"][order] if self.out_of_line else np.zeros(len(raw), np.uint64)
        )

    @classmethod
    def empty(cls, missing: Unknown | None = None) -> Self:
        """Return no records."""
        nothing = np.empty(0, [("ip", "<u8"), ("flags", "<u8")])
        return cls(np.empty(0, np.uint64), nothing, missing)

    def __len__(self) -> int:
        return len(self.ips)

    def __getitem__(self, index: int) -> FtraceRecord:
        return FtraceRecord(
            address=int(self.addresses[index]),
            ip=int(self.ips[index]),
            flags=int(self.flags[index]),
            ool_stub=int(self.ool_stubs[index]),
        )

    def subset(self, indices: npt.NDArray[np.intp]) -> "FtraceRecords":
        """Return some of the records."""
        chosen = copy(self)
        for name in ("addresses", "ips", "flags", "ool_stubs"):
            setattr(chosen, name, getattr(self, name)[indices])
        return chosen

    def within(self, start: int, end: int) -> list[FtraceRecord]:
        """Return the records whose ``ip`` is in [start, end), by address."""
        first, last = np.searchsorted(self.ips, np.array([start, end], np.uint64))
        return [self[index] for index in range(int(first), int(last))]


def has_ftrace(prog: Program) -> bool:
    """
    Return whether the kernel was built with ``CONFIG_DYNAMIC_FTRACE``, so that it has mcount sites.

    >>> has_ftrace(prog)
    True
    """
    try:
        prog.type("struct dyn_ftrace")
    except LookupError:
        return "ftrace_pages_start" in prog
    return True


def for_each_ftrace_page(prog: Program) -> Iterator[Object]:
    """
    Iterate over the pages of records.

    :return: iterator of ``struct ftrace_page *``
    :raises WalkError, drgn.FaultError: where the list is damaged or unreadable
    """
    seen: set[int] = set()
    page = prog["ftrace_pages_start"].read_()
    while page.value_():
        if page.value_() in seen or len(seen) > _MAX_PAGES:
            raise WalkError(f"ftrace pages run in a cycle: {page.value_():#x} comes again")
        seen.add(page.value_())
        yield page
        page = page.next.read_()


def read_ftrace_records(prog: Program) -> FtraceRecords:
    """
    Read every ftrace record of the kernel, one read for each page of records.

    >>> len(read_ftrace_records(prog))
    15224

    :return: those that can be read; ``missing`` says why it is not all
    :raises LookupError: if the kernel has no ftrace records
    """
    layout = _record_layout(prog)
    parts = [np.empty(0, layout)]
    addresses = [np.empty(0, np.uint64)]
    total, missing = 0, None
    try:
        for page in for_each_ftrace_page(prog):
            try:
                start, records = _read_page(page, layout)
            except (FaultError, WalkError) as error:
                missing = first_unknown((missing, Unknown(f"ftrace records: {error}")))
                continue
            total += len(records)
            if total > MAX_ENTRIES:
                raise WalkError(f"over {MAX_ENTRIES} ftrace records")
            offsets = np.arange(len(records), dtype=np.uint64) * np.uint64(layout.itemsize)
            parts.append(records)
            addresses.append(np.uint64(start) + offsets)
    except (FaultError, WalkError) as error:
        missing = first_unknown((missing, Unknown(f"ftrace records: {error}")))
    return FtraceRecords(np.concatenate(addresses), np.concatenate(parts), missing)


def _record_layout(prog: Program) -> np.dtype[np.void]:
    type_ = prog.type("struct dyn_ftrace")
    offsets = {"ip": offsetof(type_, "ip"), "flags": offsetof(type_, "flags")}
    with suppress(LookupError):
        offsets["ool_stub"] = offsetof(type_, "arch.ool_stub")
    return np.dtype(
        {
            "names": list(offsets),
            "formats": ["<u8"] * len(offsets),
            "offsets": list(offsets.values()),
            "itemsize": sizeof(type_),
        }
    )


def _read_page(page: Object, layout: np.dtype[np.void]) -> tuple[int, npt.NDArray[np.void]]:
    """Return where the records of a ``struct ftrace_page`` begin, and the records."""
    count = page.index.value_()
    if not 0 <= count <= _MAX_RECORDS_PER_PAGE:
        raise WalkError(f"ftrace page {page.value_():#x} claims {count} records")
    start = page.records.value_()
    data = page.prog_.read(start, count * layout.itemsize)
    return int(start), np.frombuffer(data, layout)


class FlagNames:
    """
    Names of the bits in a flags word, by the enumeration that the kernel itself compiled.

    Their positions moved several times, so they are asked for, not known.
    """

    def __init__(self, names: dict[int, str]) -> None:
        """Take the names of single bits; none of a kernel that has no such flags."""
        self._names = names

    @classmethod
    def of_enumeration(cls, prog: Program, example: str, prefix: str) -> Self:
        """
        Look the bits up.

        :param example: one enumerator of the enumeration
        :param prefix: what the enumerators' names begin with
        :raises LookupError: if the kernel has no such enumerator
        """
        enumerators = prog.constant(example).type_.enumerators or ()
        return cls(
            {
                int(value): name.removeprefix(prefix)
                for name, value in enumerators
                if name.startswith(prefix)
            }
        )

    def of(self, flags: int) -> tuple[str, ...]:
        """Return the names of the bits that are set, highest bit first."""
        return tuple(name for bit, name in sorted(self._names.items(), reverse=True) if flags & bit)

    def __getitem__(self, name: str) -> int:
        """Return the bit of that name, 0 where this kernel has none."""
        return next((bit for bit, known in self._names.items() if known == name), 0)

    @cached_property
    def lowest(self) -> int:
        """The lowest bit that has a name; 1 where none has."""
        return min(self._names, default=1)


def ftrace_record_flags(prog: Program) -> FlagNames:
    """
    Return the names of ``FTRACE_FL_*``.

    >>> ftrace_record_flags(prog).of(0x84000001)
    ('ENABLED', 'IPMODIFY')
    """
    return FlagNames.of_enumeration(prog, "FTRACE_FL_ENABLED", "FTRACE_FL_")


def ftrace_ops_flags(prog: Program) -> FlagNames:
    """
    Return the names of ``FTRACE_OPS_FL_*``.

    >>> ftrace_ops_flags(prog).of(ops.flags.value_())
    ('PERMANENT', 'IPMODIFY', 'INITIALIZED', 'DYNAMIC', 'ENABLED')
    """
    return FlagNames.of_enumeration(prog, "FTRACE_OPS_FL_ENABLED", "FTRACE_OPS_FL_")


def ftrace_record_users(flags: int, names: FlagNames) -> int:
    """
    Return how many ftrace_ops want a site: the reference count below the flag bits.

    Its width shrank whenever a flag was added (``FTRACE_REF_MAX_SHIFT``), so it is what lies
    below the lowest flag.

    >>> ftrace_record_users(0x84000001, ftrace_record_flags(prog))
    1
    """
    return flags & (names.lowest - 1)


_LETTERS = {"REGS": "R", "IPMODIFY": "I", "DIRECT": "D", "CALL_OPS": "O", "MODIFIED": "M"}


def ftrace_record_letters(flags: int, names: FlagNames) -> str:
    """
    Return the letters that ``tracing/enabled_functions`` shows of flags (``t_show()``).

    >>> ftrace_record_letters(0x84000001, ftrace_record_flags(prog))
    'I'
    """
    return "".join(letter for name, letter in _LETTERS.items() if flags & names[name])
