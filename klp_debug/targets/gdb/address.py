# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a stub is: a TCP port, a unix socket, or a serial device."""

import re
import socket
import stat
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from klp_debug.errors import TargetError

_BAUD = 115200
_GONE_SECONDS = 2.0
_CONNECTED = "03"
"""SS_CONNECTED in /proc/net/unix."""
_ESTABLISHED = "01"
"""TCP_ESTABLISHED in /proc/net/tcp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StubAddress:
    """What ``--gdb`` names."""

    text: str
    """As the user wrote it."""
    kind: Literal["tcp", "unix", "serial"]
    place: str
    """As GDB takes it."""
    baud: int = _BAUD
    """Of a serial device."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Understand ``HOST:PORT``, a socket's path, or ``/dev/ttyS0[,BAUD]`` as ``kgdboc=`` has it.

        :raises TargetError: if it is none of them
        """
        host, colon, port = text.rpartition(":")
        if colon and port.isdecimal() and not host.startswith(("/", ".")):
            return cls(text=text, kind="tcp", place=f"{host or 'localhost'}:{port}")
        device = re.fullmatch(r"(/dev/[^,]+)(?:,(\d+)[noe]?8?)?", text)
        path = Path(device[1] if device else text)
        try:
            mode = path.stat().st_mode
        except OSError as error:
            raise TargetError(f"{text}: {error.strerror}") from None
        if stat.S_ISSOCK(mode):
            return cls(text=text, kind="unix", place=str(path.absolute()))
        if stat.S_ISCHR(mode):
            baud = int((device and device[2]) or _BAUD)
            return cls(text=text, kind="serial", place=str(path), baud=baud)
        raise TargetError(f"{text} is neither a socket nor a serial device")

    def taken(self) -> bool:
        """
        Return whether a debugger is connected already, as far as this machine can tell.

        A stub serves one client; the next waits in the backlog. QEMU stops the guest for that one
        too once its turn comes, though it may have gone long ago: so it must not be tried. One
        that has just gone may still seem to be there for a moment.
        """
        end = time.monotonic() + _GONE_SECONDS
        while self._seems_taken():
            if time.monotonic() > end:
                return True
            time.sleep(0.05)
        return False

    def _seems_taken(self) -> bool:
        match self.kind:
            case "unix":
                return self.place in _connected_unix_paths()
            case "tcp":
                host, _, port = self.place.rpartition(":")
                return _is_local(host) and int(port) in _connected_tcp_ports()
        return False


def _connected_unix_paths() -> Iterator[str]:
    # Num RefCount Protocol Flags Type St Inode Path; an accepted socket has its listener's path.
    for line in _table("unix"):
        fields = line.split(None, 7)
        if len(fields) == 8 and fields[5] == _CONNECTED:
            yield fields[7]


def _connected_tcp_ports() -> Iterator[int]:
    # sl local_address rem_address st ...; of a connection within this machine both ends are there.
    for name in ("tcp", "tcp6"):
        for line in _table(name):
            _, local, _, state, *_ = line.split()
            if state == _ESTABLISHED:
                yield int(local.rpartition(":")[2], 16)


def _table(name: str) -> list[str]:
    try:
        return Path("/proc/net", name).read_text(errors="replace").splitlines()[1:]
    except OSError:
        return []


def _is_local(host: str) -> bool:
    try:
        packed = socket.inet_aton(socket.gethostbyname(host))
    except OSError:
        return False
    return bool(struct.unpack(">I", packed)[0] >> 24 == 127)
