# SPDX-License-Identifier: GPL-2.0-or-later
"""
The kernel's log, and the reports of crashes in it.

drgn's own ``get_printk_records()`` trusts the ring: a damaged head keeps it busy for ever, and of a
record that wraps at the end of the ring it returns the block's id with the text.

Source: kernel/printk/printk_ringbuffer.c; before Linux kernel commit 896fbe20b4e2 ("printk: use
the lockless ringbuffer") (in v5.10) kernel/printk/printk.c.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from drgn import FaultError, Object, Program, sizeof

from klp_debug.kernel.walk import WalkError

_MAX_DESC_BITS = 24
_MAX_TEXT_BITS = 30
_MAX_LOST = 1000
_ID_MASK = (1 << 62) - 1
_STATE_SHIFT = 62
_DATALESS = 1
"""Set in both positions of a record without text."""

_FIRST_LINE = re.compile(
    r"BUG: |Oops: |Kernel panic - not syncing|kernel BUG at |Unable to handle kernel "
    r"|Machine check in kernel mode|Bad kernel stack pointer|Unrecoverable .*[Ee]xception"
    r"|.*(?:Hard|hard) LOCKUP"
)
_WARNING = re.compile(r"WARNING: ")
_AFTER_AN_OOPS = "Kernel panic - not syncing: Fatal exception"
"""What ``oops_end()`` panics with when the report of the oops is complete."""
_LAST_LINE = re.compile(r"---\[ end (?:trace|Kernel panic)")


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of the log."""

    nanoseconds: int
    """Since boot."""
    text: str
    """What is not ASCII is escaped; a newline parts the lines of a record."""

    @property
    def seconds(self) -> float:
        """Since boot, to the microsecond, which the kernel rounds down to where it prints it."""
        return self.nanoseconds // 1000 / 1e6


def for_each_log_record(prog: Program) -> Iterator[LogRecord]:
    """
    Iterate over the records of the log, the oldest first.

    A record that cannot be read is left out; it is told when all others were yielded.

    >>> next(for_each_log_record(prog)).text
    'Reserving 160MB of memory at 256MB for crashkernel (System RAM: 512MB)'

    :raises WalkError: where the log is damaged, after the records that could be read
    :raises drgn.FaultError, LookupError: if the log cannot be read
    """
    try:
        ring = prog["prb"].read_()
    except KeyError:
        yield from _for_each_printk_log(prog)
        return
    yield from _for_each_ring_record(ring)


def _for_each_ring_record(ring: Object) -> Iterator[LogRecord]:
    prog = ring.prog_
    descriptors = ring.desc_ring.read_()
    bits = descriptors.count_bits.value_()
    if not 0 < bits <= _MAX_DESC_BITS:
        raise WalkError(f"printk ring at {ring.value_():#x}: count_bits is {bits}")
    head = descriptors.head_id.counter.value_() & _ID_MASK
    tail = descriptors.tail_id.counter.value_() & _ID_MASK
    count = (head - tail & _ID_MASK) + 1
    if count > 1 << bits:
        raise WalkError(
            f"printk ring at {ring.value_():#x}: head_id {head:#x} is {count - 1} records behind"
            f" tail_id {tail:#x}, in a ring of {1 << bits}"
        )
    readable = {prog["desc_committed"].value_(), prog["desc_finalized"].value_()}
    data = ring.text_data_ring.read_()
    lost: list[str] = []
    for id_ in range(tail, tail + count):
        try:
            index = id_ & (1 << bits) - 1
            descriptor = descriptors.descs[index].read_()
            state = descriptor.state_var.counter.value_() & (1 << 64) - 1
            if state & _ID_MASK != id_ & _ID_MASK or state >> _STATE_SHIFT not in readable:
                continue  # being written, or overwritten since
            info = descriptors.infos[index].read_()
            text = _ring_text(data, descriptor.text_blk_lpos, info.text_len.value_())
            if text is not None:
                yield LogRecord(info.ts_nsec.value_(), text)
        except (FaultError, WalkError) as error:
            lost.append(str(error))
            if len(lost) > _MAX_LOST:
                raise WalkError(
                    f"over {_MAX_LOST} records of the log cannot be read: {error}"
                ) from None
    if lost:
        raise WalkError(f"records of the log cannot be read, {len(lost)} of {count}: {lost[0]}")


def _ring_text(data: Object, place: Object, length: int) -> str | None:
    """Return the text of a record, as ``get_data()`` finds it; None if its text was lost."""
    begin, next_ = place.begin.value_(), place.next.value_()
    if begin & next_ & _DATALESS:
        # NO_LPOS of both is an empty line; FAILED_LPOS, which is 1, is a text that was lost.
        return None if begin == next_ == _DATALESS else ""
    bits = data.size_bits.value_()
    if not 0 < bits <= _MAX_TEXT_BITS:
        raise WalkError(f"size_bits of the log's text is {bits}")
    mask = (1 << bits) - 1
    id_size = 8
    last = next_ - 1 & (1 << 64) - 1
    if begin >> bits == last >> bits:
        # Also one that ends with the ring, since Linux kernel commit 67e1b0052f6b
        # ("printk_ringbuffer: don't needlessly wrap data blocks around") (in v6.19).
        start, size = begin & mask, next_ - begin & (1 << 64) - 1
    elif (begin + (1 << bits) & (1 << 64) - 1) >> bits == last >> bits:
        # It did not fit before the end of the ring, and lies at its beginning. Positions begin one
        # ring before 2**64, so that of the first such record is beyond it.
        start, size = 0, next_ & mask
    else:
        raise WalkError(f"a record of the log reaches from {begin:#x} to {next_:#x}")
    if size <= id_size:
        raise WalkError(f"a record of the log has {size} bytes")
    address = data.data.value_() + start + id_size
    length = min(length, size - id_size)
    if address + length >= 1 << 64:
        raise WalkError(f"the log's text at {data.data.value_():#x} reaches beyond all addresses")
    return _decode(data.prog_.read(address, length))


def _for_each_printk_log(prog: Program) -> Iterator[LogRecord]:
    type_ = prog.type("struct printk_log")
    # kernel/bpf/verifier.c had a variable of that name, too.
    buffer = prog.object("log_buf", filename="printk.c").value_()
    size = prog["log_buf_len"].value_()
    position, end = prog["log_first_idx"].value_(), prog["log_next_idx"].value_()
    if not 0 < size <= 1 << _MAX_TEXT_BITS:
        raise WalkError(f"log_buf_len is {size}")
    wrapped = False
    while position != end:
        if not 0 <= position <= size - sizeof(type_):
            raise WalkError(f"log_buf at {buffer:#x}: no record can be at {position:#x} of {size}")
        record = Object(prog, type_, address=buffer + position).read_()
        length = record.len.value_()
        if not length:
            # The rest of the buffer is not used: the next record is at its beginning.
            if wrapped:
                raise WalkError(f"log_buf at {buffer:#x} has no end")
            wrapped, position = True, 0
            continue
        if length < sizeof(type_) + record.text_len.value_():
            raise WalkError(f"log_buf at {buffer:#x}: {length} bytes at {position:#x} are too few")
        text = prog.read(buffer + position + sizeof(type_), record.text_len.value_())
        yield LogRecord(record.ts_nsec.value_(), _decode(text))
        position += length


def _decode(text: bytes) -> str:
    return text.decode("ascii", "backslashreplace")


def oops_reports(records: Iterable[LogRecord]) -> list[list[LogRecord]]:
    """
    Return the reports of oopses and panics in the log, each of one or more records.

    One begins with a line such as ``BUG:``, ``Oops:`` or ``Kernel panic``, and ends with its
    ``end trace`` line or where the log ends; what other CPUs logged meanwhile is among it. A panic
    that follows from an oops belongs to that one's report.

    >>> [report[0].text for report in oops_reports(for_each_log_record(prog))]
    ['Kernel panic - not syncing: sysrq triggered crash']
    """
    return list(_reports(records, _FIRST_LINE))


def warning_reports(records: Iterable[LogRecord]) -> list[list[LogRecord]]:
    """
    Return the reports of ``WARN()`` in the log, each of one or more records.

    One begins with ``WARNING:`` and ends as that of an oops does.

    >>> warning_reports(for_each_log_record(prog))
    []
    """
    return list(_reports(records, _WARNING))


def _reports(
    records: Iterable[LogRecord], first_line: re.Pattern[str]
) -> Iterator[list[LogRecord]]:
    report: list[LogRecord] = []
    within = False
    for record in records:
        if within:
            report.append(record)
        elif report and record.text.startswith(_AFTER_AN_OOPS):
            report.append(record)
            within = True
        elif first_line.match(record.text):
            if report:
                yield report
            report = [record]
            within = True
        within = within and not _LAST_LINE.match(record.text)
    if report:
        yield report
