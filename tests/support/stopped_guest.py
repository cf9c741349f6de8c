# SPDX-License-Identifier: GPL-2.0-or-later
"""
A guest that QEMU's gdbstub holds stopped, spoken to in its own protocol: just what takes writes.

It lets a test break the connection at any packet, and count them.
"""

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from drgn import FaultError

from klp_debug.errors import TargetError, WriteRefusedError
from klp_debug.targets.notes import Prstatus
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from klp_debug.targets.target import Target
from klp_debug.targets.writable import StubVendor
from vmcores.guest.guest import Guest

MSR_PR = 1 << 14
TRIES = 200


class Stub:
    """A connection to QEMU's stub; the guest is stopped while it is there."""

    kind: StubVendor = "QEMU"

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(str(path))
        self._buffer = b""
        self.round_trips = 0
        # The stub tells unasked that the guest stopped, in some versions before the first answer.
        self._send(b"qSupported:xmlRegisters=powerpc")
        while b"PacketSize" not in self._packet():
            pass
        self.ask(b"qXfer:features:read:target.xml:0,ffb")
        # A debugger whose connection was cut may have left it the other way.
        self.ask(b"Qqemu.PhyMemMode:0")
        self._choose_cpu()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xFF))
        except OSError as error:
            raise TargetError(f"the stub has gone: {error.strerror}") from None

    def _packet(self) -> bytes:
        while True:
            start = self._buffer.find(b"$")
            end = self._buffer.find(b"#", start)
            if start >= 0 and end >= 0 and len(self._buffer) >= end + 3:
                packet = self._buffer[start + 1 : end]
                self._buffer = self._buffer[end + 3 :]
                self._socket.sendall(b"+")
                return packet
            try:
                data = self._socket.recv(1 << 16)
            except OSError as error:
                raise TargetError(f"the stub does not answer: {error}") from None
            if not data:
                raise TargetError("the stub has gone")
            self._buffer += data

    def ask(self, data: bytes) -> bytes:
        self.round_trips += 1
        self._send(data)
        return self._packet()

    @property
    def threads(self) -> list[bytes]:
        found, answer = [], self.ask(b"qfThreadInfo")
        while answer.startswith(b"m"):
            found += answer[1:].split(b",")
            answer = self.ask(b"qsThreadInfo")
        return found

    def _choose_cpu(self) -> None:
        """Choose a CPU that is in the kernel: one in user mode reads none of its memory."""
        for _ in range(TRIES):
            for thread in self.threads:
                self.ask(b"Hg" + thread)
                if not self._registers()[33] & MSR_PR:
                    return
            self._send(b"vCont;c")
            self._socket.sendall(b"\x03")
            self._packet()
        raise TargetError("no CPU is in the kernel")

    def _registers(self) -> list[int]:
        """Return r0 to r31, pc, msr, cr, lr, ctr, xer."""
        raw = bytes.fromhex(self.ask(b"g").decode())
        return list(struct.unpack_from("<34QIQQI", raw))

    def registers(self) -> dict[int, list[int]]:
        """Return thread number, from 1 -> registers."""
        found = {}
        for number, thread in enumerate(self.threads, 1):
            self.ask(b"Hg" + thread)
            found[number] = self._registers()
        self._choose_cpu()
        return found

    def monitor(self, command: str) -> str:
        """Return what QEMU's monitor prints."""
        answer, text = self.ask(b"qRcmd," + command.encode().hex().encode()), b""
        while answer.startswith(b"O") and answer != b"OK":
            text += bytes.fromhex(answer[1:].decode())
            answer = self._packet()
        return text.decode()

    def read(self, address: int, size: int) -> bytes:
        parts = []
        while size:
            count = min(size, 0x400)
            answer = self.ask(b"m%x,%x" % (address, count))
            if answer.startswith(b"E"):
                raise FaultError(f"the stub answers {answer.decode()}", address)
            parts.append(bytes.fromhex(answer.decode()))
            address, size = address + count, size - count
        return b"".join(parts)

    def write(self, address: int, data: bytes) -> None:
        answer = self.ask(b"M%x,%x:%s" % (address, len(data), data.hex().encode()))
        if answer != b"OK":
            raise WriteRefusedError(f"{address:#x} cannot be written: {answer.decode()}")

    def resume(self) -> None:
        """Let the guest run on, and leave it."""
        self.ask(b"D;1")
        self.cut()

    def cut(self) -> None:
        """Leave the guest as it is."""
        self._socket.close()


class Session:
    """What of :class:`klp_debug.targets.gdb.session.GdbSession` tells the registers of the CPUs."""

    kind: StubVendor = "QEMU"

    def __init__(self, stub: Stub) -> None:
        self._stub = stub

    def registers(self) -> list[Prstatus]:
        return [
            Prstatus(
                gpr=tuple(values[:32]),
                nip=values[32],
                msr=values[33],
                ccr=values[34],
                link=values[35],
                ctr=values[36],
                xer=values[37],
                **dict.fromkeys(("orig_gpr3", "softe", "trap", "dar", "dsisr", "result"), 0),
            )
            for _, values in sorted(self._stub.registers().items())
        ]

    def exceptions(self) -> list[tuple[int, int]]:
        # On the second CPU and the others QEMU 7.2's stub reads no SPR.
        told = self._stub.monitor("info registers -a")
        found = re.findall(r"SRR0 +([0-9a-f]+) +SRR1 +([0-9a-f]+)", told)
        return [(int(srr0, 16), int(srr1, 16)) for srr0, srr1 in found]


class Known(Session):
    """A session that knew the registers before its stub was lost."""

    def __init__(self, stub: Stub) -> None:
        super().__init__(stub)
        self._registers = super().registers()
        self._exceptions = super().exceptions()

    def registers(self) -> list[Prstatus]:
        return self._registers

    def exceptions(self) -> list[tuple[int, int]]:
        return self._exceptions


_OPENED: dict[Path, Target] = {}
"""QMP socket -> what it was opened as: QEMU serves one client at a time."""


def opened(guest: Guest) -> Target:
    """
    Return a guest as a target that is read through QMP.

    Opened once: each command looks at its modules and patches anew.
    """
    path = guest.qmp_socket
    if path not in _OPENED:
        _OPENED.clear()
        options = TargetOptions(qemu=str(path), symbols=(guest.image.vmlinux,))
        _OPENED[path] = open_target(options, print)
    return _OPENED[path]


def stopped_target(guest: Guest, stub: Stub, **changes: Any) -> Target:
    """Return a guest's target that takes writes; reading goes through QMP."""
    target = opened(guest)
    return replace(
        target,
        source="QEMU guest, stopped by its gdbstub",
        writable=stub,
        debugger=Session(stub),  # type: ignore[arg-type]
        **changes,
    )


@contextmanager
def stopped(guest: Guest) -> Iterator[tuple[Target, Stub]]:
    """Stop a guest for the block; it runs on behind it."""
    stub = Stub(guest.gdb_socket)
    try:
        yield stopped_target(guest, stub), stub
    finally:
        stub.resume()
