# SPDX-License-Identifier: GPL-2.0-or-later
"""
GDB as a child process that speaks MI.

pygdbmi starts no reader of its own: its ``write()`` waits until GDB has been quiet for 0.2
seconds, returns whatever came, and leaves a late reply to be taken for that of the next command;
once GDB has ended it spins until its timeout. So only its parser and its buffers are used here:
each command has a token, a reply is the one with that token, and the end of GDB is seen at once.
"""

import contextlib
import itertools
import select
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klp_debug.errors import TargetError

GDB = "gdb-multiarch"
START_SECONDS = 30.0
"""That GDB may take to start; on a busy machine its first start takes seconds."""
_END_SECONDS = 5.0
_INSIDE = Path(__file__).with_name("inside_gdb.py")


class GdbEndedError(TargetError):
    """GDB is no more, though nobody told it to end."""


class GdbTimeoutError(TargetError):
    """GDB did not answer in time."""


class GdbCommandError(Exception):
    """GDB could not do what a command said; the message is its own."""


@dataclass(slots=True)
class Reply:
    """What GDB answered to one command."""

    results: dict[str, Any] = field(default_factory=dict)
    """The result record's variables."""
    text: str = ""
    """What it would have printed."""


class Gdb:
    """
    A running GDB.

    It is in a session of its own, so that Ctrl-C at our terminal does not reach it. However this
    process ends, GDB then finds its standard input closed, and lets the target run on
    (``inside_gdb.py``).
    """

    def __init__(self, program: str) -> None:
        """
        Start GDB.

        :raises TargetError: if that cannot be done
        """
        try:
            # Where there is no pygdbmi (Debian has none), all but --gdb works.
            from pygdbmi.IoManager import IoManager
        except ImportError:
            raise TargetError("--gdb needs the Python package pygdbmi") from None
        command = [program, "--nx", "--quiet", "--interpreter=mi3", "-x", str(_INSIDE)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise TargetError(
                f"{program} cannot be started ({error.strerror}): install gdb-multiarch, or name"
                " another GDB that knows powerpc by --gdb-program"
            ) from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._output = self._process.stdout
        self._io = IoManager(self._process.stdin, self._process.stdout, None)
        self._tokens = itertools.count(1)
        self._released = False
        self._reading = threading.Lock()
        try:
            self.console("python klp_debug_ready()", START_SECONDS)
        except (GdbCommandError, GdbEndedError, GdbTimeoutError):
            self.kill()
            raise TargetError(f"{program} is no GDB with Python, or too old a one") from None

    @property
    def pid(self) -> int:
        """GDB's process id."""
        return self._process.pid

    @property
    def released(self) -> bool:
        """Whether GDB let the target run by itself, since time was up."""
        # Also asked by what shows the time to the user, while a command reads GDB's output.
        if self._reading.acquire(blocking=False):
            try:
                with contextlib.suppress(GdbEndedError):
                    while self._readable(0):
                        self._records()
            finally:
                self._reading.release()
        return self._released

    def console(self, command: str, timeout: float) -> str:
        """
        Run a command of GDB's own language; return what it prints.

        :param timeout: seconds
        :raises GdbCommandError: if GDB cannot do it
        :raises TargetError: if GDB does not answer
        """
        quoted = command.replace("\\", "\\\\").replace('"', '\\"')
        return self.command(f'-interpreter-exec console "{quoted}"', timeout).text

    def command(self, command: str, timeout: float) -> Reply:
        """
        Run one MI command.

        :param timeout: seconds
        :raises GdbCommandError: if GDB cannot do it
        :raises GdbTimeoutError: if GDB does not answer; a reply that comes later is dropped
        :raises GdbEndedError: if GDB has ended
        """
        with self._reading:
            return self._command(command, timeout)

    def _command(self, command: str, timeout: float) -> Reply:
        token = next(self._tokens)
        end = time.monotonic() + timeout
        try:
            self._io.write(f"{token}{command}", read_response=False)
        except OSError:
            raise self._ended() from None
        text = []
        while True:
            left = end - time.monotonic()
            if left <= 0 or not self._readable(left):
                raise GdbTimeoutError(f"GDB did not answer within {timeout:.0f} s")
            for record in self._records():
                if record["type"] in ("console", "target", "log"):
                    text.append(record["payload"] or "")
                elif record["type"] == "result" and record["token"] != token:
                    text.clear()  # it was printed by a command that nobody waits for any more
                elif record["type"] == "result":
                    payload = record["payload"] or {}
                    if record["message"] == "error":
                        raise GdbCommandError(str(payload.get("msg", "unknown error")).strip())
                    return Reply(payload, "".join(text))

    def _readable(self, timeout: float) -> bool:
        return bool(select.select([self._output], [], [], timeout)[0])

    def _records(self) -> list[dict[str, Any]]:
        """Return what GDB wrote, of which there must be something."""
        records = self._io.get_gdb_response(timeout_sec=0, raise_error_on_timeout=False)
        if not records and self._process.poll() is not None:
            raise self._ended()
        for record in records:
            if record["type"] == "log" and "klp-debug: released" in (record["payload"] or ""):
                self._released = True
        return records

    def _ended(self) -> GdbEndedError:
        return GdbEndedError("GDB has ended unexpectedly")

    def close(self) -> None:
        """End GDB in order: a target that it still holds runs on."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._output.close()

    def kill(self) -> None:
        """End GDB at once: a target that it still holds stays stopped."""
        self._process.kill()
        self._process.wait()
