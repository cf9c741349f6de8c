# SPDX-License-Identifier: GPL-2.0-or-later
"""
The stub at the other end, as GDB reaches it: whose it is, its memory, its registers.

Of QEMU physical memory is read (``Qqemu.PhyMemMode``, since QEMU 4.1): by virtual addresses a stub
reads as the selected CPU would, and a CPU in user mode sees no kernel memory. KGDB reads as the
kernel does, by virtual addresses only.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from drgn import FaultError

from klp_debug.errors import TargetError
from klp_debug.targets.gdb.address import StubAddress
from klp_debug.targets.gdb.answers import (
    REGISTERS,
    exceptions_of,
    has_memory,
    ram_of,
    status_of,
    whose_stub,
)
from klp_debug.targets.gdb.process import Gdb, GdbCommandError, GdbTimeoutError
from klp_debug.targets.notes import Prstatus
from klp_debug.targets.writable import StubVendor

_SECONDS = 10.0
"""That GDB has for a command that takes few packets; its own patience is shorter."""
_SECONDS_PER_BYTE = 1 / 500
"""More for each byte: a serial line of 9600 baud carries 480 bytes of memory in a second."""
_BULK = 1 << 14
"""Bytes from which on a file between GDB and us is faster than MI's text."""
_PACKET_LIMIT = re.compile(r"limited to (\d+) bytes")


class ConnectionLostError(TargetError):
    """The stub is not there any more."""


@dataclass(slots=True)
class Traffic:
    """What a stub was asked since the target was opened: on a serial line every byte takes time."""

    round_trips: int = 0
    """Packets that GDB sent to the stub, each of them answered."""
    bytes_read: int = 0
    """Of the target's memory."""
    bytes_written: int = 0
    """To the target's memory."""

    def __str__(self) -> str:
        return (
            f"{self.round_trips} round trips to the stub, {self.bytes_read} bytes read,"
            f" {self.bytes_written} written"
        )


class DebugStub:
    """A target that a debugger stopped, until :meth:`detach`."""

    kind: StubVendor
    ram: list[range]
    """Where QEMU's guest has memory, by physical address."""

    def __init__(self, gdb: Gdb, address: StubAddress, traffic: Traffic) -> None:
        """
        Connect, which stops the target.

        :raises TargetError: if nobody answers there, or it is no stub of a ppc64 kernel
        """
        self._gdb = gdb
        self._address = address
        self.traffic = traffic
        for setting in (
            "confirm off",
            "pagination off",
            # Never a target description from a file: with one, GDB asks for registers before it
            # has asked QEMU for its own description, and QEMU 7.2 aborts.
            "architecture powerpc:common64",
            "endian little",
            "stack-cache off",
            "code-cache off",
            "remotetimeout 2",
            "tcp connect-timeout 2",
            f"serial baud {address.baud}",
        ):
            gdb.console(f"set {setting}", _SECONDS)
        self._connect()
        try:
            self.kind = self._identify()
            limit = self._console("show remote memory-read-packet-size")
            found = _PACKET_LIMIT.search(limit)
            self._per_packet = max(1, int(found[1]) // 2) if found else 1
            self._numbers = self._register_numbers()
            self.ram = self._find_ram() if self.kind == "QEMU" else [range(1 << 64)]
        except GdbCommandError as error:
            raise TargetError(f"{address.text} is no stub of a ppc64le kernel: {error}") from None

    def _connect(self) -> None:
        text = self._address.text
        silent = (
            f"{text} does not answer: a stub serves one debugger, and another may be connected;"
            " a kernel with KGDB answers only once it is in it (--kgdb-enter)"
        )
        if self._address.taken():
            raise TargetError(f"{text} has a debugger connected already, and a stub serves one")
        try:
            said = self._gdb.console(f"target remote {self._address.place}", 2 * _SECONDS)
        except GdbTimeoutError:
            raise TargetError(silent) from None
        except GdbCommandError as error:
            message = str(error)
            if re.search(r"refused|No such file|timed out\.$", message):
                why = message.rpartition(": ")[2].rstrip(".")
                raise TargetError(f"nothing listens at {text} ({why})") from None
            # A console that is no stub now gives back what is sent to it, as an echo.
            if "timeout" in message.lower() or "vMustReplyEmpty" in message:
                raise TargetError(silent) from None
            other: str | None = self._let_go_of_other()
        else:
            found = re.search(r"reported target architecture ([\w:.-]+)", said)
            other = found[1] if found else None
        if other is not None:
            raise TargetError(
                f"{text} is a stub of another architecture ({other}); klp-debug reads ppc64le"
            )

    def _let_go_of_other(self) -> str:
        """
        Let a target run whose registers are none of ppc64, and that GDB left stopped for it.

        :return: its architecture, as GDB calls it
        :raises TargetError: if it is nothing that GDB knows
        """
        try:
            self._console("set architecture auto")
            self._console("set endian auto")
            self._console(f"target remote {self._address.place}")
            said = self._console("show architecture")
            self.detach()
        except (GdbCommandError, GdbTimeoutError) as error:
            raise TargetError(f"{self._address.text} is no stub that GDB knows: {error}") from None
        found = re.search(r'currently "([\w:.-]+)"', said)
        return found[1] if found else "unknown"

    def _identify(self) -> StubVendor:
        """
        Tell QEMU's stub from KGDB, and both from others.

        :raises TargetError: if it is another
        """
        kind = whose_stub(self.packet)
        if kind == "QEMU" and self.packet("Qqemu.PhyMemMode:1") != "OK":
            raise TargetError(f"{self._address.text}: QEMU does not let physical memory be read")
        if kind is not None:
            return kind
        raise TargetError(
            f"{self._address.text} is neither KGDB nor the stub of a whole machine in QEMU 4.1 or"
            " later"
        )

    def packet(self, packet: str) -> str:
        """
        Send one packet of the remote protocol; return what the stub answers.

        :raises GdbCommandError: if GDB cannot send it
        """
        said = self._console(f"maint packet {packet}")
        self.traffic.round_trips += 1
        found = re.search(r'received: "(.*)"', said)
        return found[1] if found else ""

    def monitor(self, command: str) -> str:
        """
        Run a command of QEMU's monitor; return what it says.

        :raises GdbCommandError: if it cannot be run
        """
        self.traffic.round_trips += 1
        return self._console(f"monitor {command}")

    def _console(self, command: str) -> str:
        return self._gdb.console(command, _SECONDS)

    def _find_ram(self) -> list[range]:
        """
        Return where QEMU's guest has RAM.

        :raises TargetError: if QEMU does not tell
        """
        found = ram_of(self.monitor("info mtree -f"))
        if found:
            return found
        raise TargetError(f"{self._address.text}: QEMU does not tell where the guest's RAM is")

    def read(self, address: int, size: int) -> bytes:
        """
        Read memory: of QEMU by physical address, over KGDB by virtual.

        :raises drgn.FaultError: if a byte of it cannot be read
        :raises TargetError: if the stub cannot be asked any more
        """
        if not has_memory(self.ram, address, size):
            raise FaultError("no memory of the target", address)
        try:
            data = self._read_bulk(address, size) if size >= _BULK else None
            if data is None:
                data = self._read(address, size)
        except GdbCommandError as error:
            self.check()
            raise FaultError(str(error).rstrip("."), address) from None
        self.traffic.bytes_read += len(data)
        return data

    def _read(self, address: int, size: int) -> bytes:
        self._count(size)
        command = f"-data-read-memory-bytes {address} {size}"
        reply = self._gdb.command(command, _seconds(size))
        blocks = reply.results["memory"]
        if len(blocks) != 1 or int(blocks[0]["offset"], 16):
            raise GdbCommandError("a part of it cannot be read")
        data = bytes.fromhex(blocks[0]["contents"])
        if len(data) != size:  # what GDB 13 returns of the last byte then is no byte of memory
            raise GdbCommandError("a part of it cannot be read")
        return data

    def _read_bulk(self, address: int, size: int) -> bytes | None:
        """Read by way of a file; None if that fails, for want of room or of memory."""
        try:
            with tempfile.TemporaryDirectory(prefix="klp-debug-") as folder:
                path = Path(folder, "memory")
                command = f"dump binary memory {path} {address} {address + size}"
                self._gdb.console(command, _seconds(size))
                self._count(size)
                data = path.read_bytes()
        except (OSError, GdbCommandError):
            return None
        return data if len(data) == size else None

    def write(self, address: int, data: bytes) -> None:
        """
        Write memory, addressed as it is read.

        :raises GdbCommandError: if the stub does not take it
        :raises TargetError: if the stub cannot be asked any more
        """
        if not has_memory(self.ram, address, len(data)):
            raise GdbCommandError("no memory of the target")
        self._count(len(data))
        command = f"-data-write-memory-bytes {address} {data.hex()}"
        try:
            self._gdb.command(command, _seconds(len(data)))
        except GdbCommandError:
            self.check()
            raise
        self.traffic.bytes_written += len(data)

    def _count(self, size: int) -> None:
        self.traffic.round_trips += -(-size // self._per_packet)

    def _register_numbers(self) -> list[int]:
        names = self._gdb.command("-data-list-register-names", _SECONDS).results["register-names"]
        # The first of a name: lr, ctr and xer come again among QEMU's SPRs, and read 0 there.
        return [names.index(name) for name in REGISTERS]

    def registers(self) -> list[Prstatus]:
        """
        Return the registers of QEMU's CPUs, in QEMU's order.

        :raises TargetError: if the stub cannot be asked any more
        """
        try:
            threads = self._gdb.command("-thread-list-ids", _SECONDS).results["thread-ids"]
            ids = sorted(map(int, threads["thread-id"]))
            return [self._registers(number) for number in ids]
        except (GdbCommandError, KeyError) as error:
            self.check()
            raise TargetError(f"registers cannot be read: {error}") from None

    def _registers(self, thread: int) -> Prstatus:
        numbers = " ".join(map(str, self._numbers))
        command = f"-data-list-register-values --thread {thread} --skip-unavailable x {numbers}"
        reply = self._gdb.command(command, _SECONDS)
        self.traffic.round_trips += 2  # Hg and g
        told = {
            int(item["number"]): int(item["value"], 16) for item in reply.results["register-values"]
        }
        return status_of(dict(zip(REGISTERS, (told.get(n, 0) for n in self._numbers), strict=True)))

    def exceptions(self) -> list[tuple[int, int]]:
        """
        Return SRR0 and SRR1 of QEMU's CPUs, in QEMU's order: where the last exception came.

        QEMU stops a CPU at the entry of an interrupt's handler more often than anywhere else, where
        they alone tell what it was doing. Its monitor tells them of every CPU, the stub before 9.0
        of the first only.

        :raises TargetError: if the stub cannot be asked any more
        """
        try:
            told = self.monitor("info registers -a")
        except GdbCommandError as error:
            self.check()
            raise TargetError(f"registers cannot be read: {error}") from None
        return exceptions_of(told)

    def check(self) -> None:
        """
        See that the stub is still there.

        :raises ConnectionLostError: if it is not
        """
        if "True" not in self._console("python print(klp_debug_connected())"):
            raise ConnectionLostError(f"the connection to {self._address.text} is lost")

    def detach(self) -> None:
        """
        Let the target run, and disconnect.

        :raises GdbCommandError: if it does not
        """
        said = self._console("python print('went on' if klp_debug_release() else 'was gone')")
        if "went on" not in said:
            raise GdbCommandError(f"the connection to {self._address.text} is lost")

    def abandon(self) -> None:
        """Disconnect and leave the target stopped."""
        if self.kind == "QEMU":
            self.packet("Qqemu.PhyMemMode:0")
        self._gdb.kill()


def _seconds(size: int) -> float:
    return _SECONDS + size * _SECONDS_PER_BYTE
