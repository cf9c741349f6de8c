# SPDX-License-Identifier: GPL-2.0-or-later
"""Talks to the guest's shell on hvc1, which has no echo, no prompt and no kernel messages."""

import shlex
import socket
from dataclasses import dataclass

import pexpect
from pexpect import fdpexpect

from vmcores.errors import GuestError


@dataclass(frozen=True)
class Result:
    """What a command in the guest did."""

    output: str
    """stdout and stderr, as they came."""
    status: int


class Agent:
    """A shell in the guest. Each command has a shell of its own, so nothing stays of it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection  # pexpect has the descriptor only
        self._spawn = fdpexpect.fdspawn(connection, encoding="utf-8", codec_errors="replace")
        self._count = 0

    def wait_ready(self, timeout: float) -> None:
        """Wait until the guest's init has started the shell. Raises GuestError."""
        self._expect("lab: agent ready\n", "the guest to boot", timeout)

    def run(self, command: str, timeout: float = 60) -> Result:
        """Run COMMAND. Raises GuestError if the guest dies or does not answer in TIMEOUT."""
        self._count += 1
        mark = f"lab: command {self._count} status "
        self.send(f"sh -c {shlex.quote(command)} 2>&1; echo '{mark}'$?")
        self._expect(mark, f"'{command}'", timeout)
        output = str(self._spawn.before)
        self._expect("\n", f"'{command}'", timeout)
        return Result(output, int(self._spawn.before or ""))

    def send(self, line: str) -> None:
        """Send LINE to the shell and expect nothing."""
        self._spawn.sendline(line)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _expect(self, text: str, waiting_for: str, timeout: float) -> None:
        try:
            self._spawn.expect_exact(text, timeout=timeout)
        except pexpect.TIMEOUT as error:
            raise GuestError(f"waited {timeout:.0f} s in vain for {waiting_for}") from error
        except (pexpect.EOF, OSError) as error:
            raise GuestError(f"the guest died while we waited for {waiting_for}") from error
