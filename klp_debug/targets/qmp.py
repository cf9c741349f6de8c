# SPDX-License-Identifier: GPL-2.0-or-later
"""
The QMP socket of a QEMU guest, which drgn and we share.

QEMU serves one client at a time, so there is one connection for both.
"""

import contextlib
import json
import os
import socket
from typing import Any

from drgn import Program

from klp_debug.errors import TargetError

_PATIENCE = 5.0
"""Seconds that a QMP socket has to greet its client, and to answer."""


class Qmp:
    """A connection to a QMP socket; drgn does the first talking (:meth:`attach`)."""

    def __init__(self, address: str) -> None:
        """
        Connect, and see that the socket answers, for drgn would wait for ever.

        A second client is connected but not greeted.

        :param address: a path, or ``HOST:PORT``, told apart as drgn does
        :raises OSError: if nothing listens there
        :raises TargetError: if nobody answers
        """
        self._connection = _connect(address)
        try:
            self._connection.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            self._connection.close()
            raise TargetError(
                f"{address} does not answer: QMP serves one client at a time, and another"
                " may be connected"
            ) from None

    def attach(self, prog: Program) -> None:
        """Let a program read the guest's physical memory; as :meth:`Program.set_qemu_qmp`."""
        self._connection.settimeout(None)
        prog.set_qemu_qmp(os.dup(self._connection.fileno()))  # drgn closes what it is given

    def resume(self) -> bool:
        """Let the guest run (``cont``); return whether it does."""
        with contextlib.suppress(OSError, ValueError):
            self._execute("cont")
        return self.runs()

    def runs(self) -> bool:
        """Return whether the guest runs; False if it does not tell."""
        with contextlib.suppress(OSError, ValueError):
            return bool(self._execute("query-status")["running"])
        return False

    def _execute(self, command: str) -> Any:
        """
        Run a command; events that come meanwhile are passed over.

        :raises OSError: if the socket is not there any more
        :raises ValueError: if the answer is none
        """
        self._connection.settimeout(_PATIENCE)
        try:
            self._connection.sendall(json.dumps({"execute": command}).encode() + b"\n")
            data = b""
            while True:
                part = self._connection.recv(1 << 16)
                if not part:
                    raise ConnectionResetError("QMP has ended")
                data += part
                *lines, data = data.split(b"\n")
                for line in lines:
                    answer = json.loads(line)
                    if "error" in answer:
                        raise ValueError(str(answer["error"]))
                    if "return" in answer:
                        return answer["return"]
        finally:
            self._connection.settimeout(None)


def _connect(address: str) -> socket.socket:
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and not host.startswith(("/", ".")):
        return socket.create_connection((host or "localhost", int(port)), _PATIENCE)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_PATIENCE)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection
