# SPDX-License-Identifier: GPL-2.0-or-later
"""What a stub's answers mean, whichever GDB asked."""

import re
from collections.abc import Callable, Iterable, Mapping

from klp_debug.targets.notes import Prstatus
from klp_debug.targets.writable import StubVendor

REGISTERS = (*(f"r{number}" for number in range(32)), "pc", "msr", "cr", "lr", "ctr", "xer")
"""What QEMU tells by one ``g`` packet; its SPRs fail on all CPUs but the first before 9.0."""
_MSR_LE = 1
_EXCEPTION = re.compile(r"\bSRR0 +([0-9a-f]+) +SRR1 +([0-9a-f]+)")
_RAM = re.compile(r"^\s*([0-9a-f]{16})-([0-9a-f]{16}) \(prio \d+, (?:nv-)?ram\)", re.MULTILINE)


def whose_stub(packet: Callable[[str], str]) -> StubVendor | None:
    """
    Tell QEMU's stub of a whole machine (4.1 or later) from KGDB; None if it is another.

    :param packet: sends a packet of the remote protocol and returns the answer
    """
    by_qemu = packet("qqemu.Supported")
    if by_qemu:
        # QEMU that runs a program, or is older, knows no other memory; ask that one nothing more.
        return "QEMU" if "PhyMemMode" in by_qemu else None
    # KGDB has shadow threads for CPUs, and names them to whoever asks (gdb_cmd_query()).
    if packet("qThreadExtraInfo,fffffffe").startswith("736861646f77"):
        return "KGDB"
    return None


def ram_of(mtree: str) -> list[range]:
    """Return where a guest has RAM, by QEMU's ``info mtree -f``; nowhere if that does not tell."""
    for view in mtree.replace("\r", "").split("FlatView #"):
        if 'AS "memory"' in view:
            found = _RAM.findall(view)
            if found:
                return [range(int(start, 16), int(end, 16) + 1) for start, end in found]
    return []


def has_memory(ram: Iterable[range], address: int, size: int) -> bool:
    """Return whether there is memory: elsewhere QEMU reads zeros, and lets devices be hit."""
    return any(address in one and address + size <= one.stop for one in ram)


def exceptions_of(registers: str) -> list[tuple[int, int]]:
    """Return SRR0 and SRR1 of the CPUs in QEMU's ``info registers -a``, in its order."""
    return [(int(srr0, 16), int(srr1, 16)) for srr0, srr1 in _EXCEPTION.findall(registers)]


def status_of(told: Mapping[str, int]) -> Prstatus:
    """
    Return the registers of one of QEMU's CPUs.

    :param told: the values of :data:`REGISTERS`, as a little-endian GDB takes them
    """
    values = dict(told)
    # QEMU sends them in the byte order of the CPU's moment: firmware calls run big-endian.
    if not values["msr"] & _MSR_LE:
        for name in REGISTERS:
            size = 4 if name in ("cr", "xer") else 8
            values[name] = int.from_bytes(values[name].to_bytes(8, "little")[:size], "big")
    return Prstatus(
        gpr=tuple(values[f"r{number}"] for number in range(32)),
        nip=values["pc"],
        msr=values["msr"],
        orig_gpr3=0,
        ctr=values["ctr"],
        link=values["lr"],
        xer=values["xer"],
        ccr=values["cr"],
        **dict.fromkeys(("softe", "trap", "dar", "dsisr", "result"), 0),
    )
