# SPDX-License-Identifier: GPL-2.0-or-later
"""A stub of x86-64, as little of it as GDB needs to attach: no guest of that kind is in the lab."""

import contextlib
import re
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

_TARGET = b'l<?xml version="1.0"?><target><architecture>i386:x86-64</architecture></target>'
_ANSWERS = (
    (rb"qSupported", b"PacketSize=1000;qXfer:features:read+"),
    (rb"qXfer:features:read:target.xml:", _TARGET),
    (rb"\?", b"S05"),
    (rb"g", b"0" * 1072),
    (rb"H|D", b"OK"),
    (rb"m", b"00"),
)


class OtherStub:
    """Answers at a unix socket; ends with the `with` block."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.detached = False
        """Whether the last debugger let the target run."""

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._place))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                with self._listener.accept()[0] as debugger:
                    self.detached = False
                    with contextlib.suppress(OSError):
                        self._answer(debugger)

    def _answer(self, debugger: socket.socket) -> None:
        data = b""
        while part := debugger.recv(4096):
            data += part
            while match := re.search(rb"\$([^#]*)#..", data):
                data = data[match.end() :]
                packet = match[1]
                self.detached |= packet.startswith(b"D")
                answer = next((a for p, a in _ANSWERS if re.match(p, packet)), b"")
                debugger.sendall(b"+$%s#%02x" % (answer, sum(answer) % 256))
