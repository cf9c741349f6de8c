# SPDX-License-Identifier: GPL-2.0-or-later
"""A way to a stub that can be listened to, and cut."""

import contextlib
import os
import re
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_SLOW = 0.01
"""Seconds that a packet takes of a way that is slow."""
_PATIENCE = 1


class Relay:
    """Passes on what comes by a unix socket of its own; ends with the `with` block."""

    def __init__(self, place: Path, stub: Path, *, slow_after: int | None = None) -> None:
        """
        Be the way from PLACE to STUB.

        :param slow_after: behind so many packets of the debugger's each takes a while
        """
        self.place = place
        self._slow_after = slow_after
        self.count = 0
        """How many packets the debugger sent."""
        self.sent = b""
        """What the debugger sent."""
        self._stub = stub
        self._ends: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.place))
        self._listener.listen(1)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cut()

    def cut(self) -> None:
        """Drop the connection, and listen no more."""
        for end in [self._listener, *self._ends]:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    @property
    def packets(self) -> list[bytes]:
        """The packets that the debugger sent, without their frame."""
        return re.findall(rb"\$([^#]*)#..", self.sent)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                debugger, _ = self._listener.accept()
                stub = self._connected()
                self._ends += debugger, stub
                back = threading.Thread(target=self._pass, args=(stub, debugger), daemon=True)
                back.start()
                self._pass(debugger, stub, listen=True)
                back.join()
                # Who looks whether a stub is taken sees a socket that is only shut down.
                debugger.close()
                stub.close()
        self._listener.close()  # the stub has gone, and so has the way to it

    def _connected(self) -> socket.socket:
        """Return a connection to the stub, which listens again a moment after it was left."""
        end = time.monotonic() + _PATIENCE
        while True:
            stub = socket.socket(socket.AF_UNIX)
            try:
                stub.connect(str(self._stub))
            except OSError:
                stub.close()
                if time.monotonic() > end:
                    raise
                time.sleep(_SLOW)
            else:
                return stub

    def _pass(self, source: socket.socket, sink: socket.socket, *, listen: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if listen:
                    self.sent += data
                    self.count += data.count(b"$")
                    if self._slow_after is not None and self.count > self._slow_after:
                        time.sleep(_SLOW)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class PtyRelay:
    """A serial device that leads to a unix socket; ends with the `with` block."""

    def __init__(self, stub: Path) -> None:
        self._stub = stub

    def __enter__(self) -> str:
        self._master, self._slave = os.openpty()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(self._stub))
        for source, sink in (
            (self._master, self._socket.fileno()),
            (self._socket.fileno(), self._master),
        ):
            threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()
        return os.ttyname(self._slave)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        os.close(self._slave)
        os.close(self._master)

    def _pass(self, source: int, sink: int) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(source, 1 << 12):
                os.write(sink, data)
