# SPDX-License-Identifier: GPL-2.0-or-later
"""Breaks into KGDB by the sysrq key, from outside, over the console that KGDB uses."""

import contextlib
import os
import socket
import termios
import time
import tty

from klp_debug.errors import TargetError
from klp_debug.targets.gdb.address import StubAddress

_HVC_BREAK = b"\x0f"
"""Ctrl-O: what an hvc console takes for the sysrq key (drivers/tty/hvc/hvc_console.c)."""
_SECONDS = 5.0
_ENTERING = b"Entering KGDB"


def enter_kgdb(address: StubAddress) -> None:
    """
    Ask a running kernel to enter KGDB, and wait a little for its word that it did.

    On a line that has a break condition (``/dev/ttyS0``) sysrq is a break; elsewhere, as on the
    socket or the pty of a virtual console, it is Ctrl-O. It takes ``kgdboc=`` on that console and
    ``kernel.sysrq`` with 8 in it. A kernel that is in KGDB already takes no notice of either.

    :raises TargetError: if the console cannot be reached
    """
    if address.taken():
        raise TargetError(f"{address.text} has somebody connected already")
    try:
        if address.kind == "serial":
            _enter_by_device(address)
        else:
            _enter_by_socket(address)
    except OSError as error:
        raise TargetError(f"{address.text}: {error.strerror or error}") from None


def _enter_by_socket(address: StubAddress) -> None:
    if address.kind == "tcp":
        host, _, port = address.place.rpartition(":")
        console = socket.create_connection((host, int(port)), _SECONDS)
    else:
        console = socket.socket(socket.AF_UNIX)
    with console:
        console.settimeout(_SECONDS)
        if address.kind == "unix":
            console.connect(address.place)
        console.sendall(_HVC_BREAK + b"g")
        said = b""
        with contextlib.suppress(TimeoutError):
            while _ENTERING not in said:
                part = console.recv(4096)
                if not part:
                    break
                said = said[-len(_ENTERING) :] + part


def _enter_by_device(address: StubAddress) -> None:
    line = os.open(address.place, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(line)
        mode = termios.tcgetattr(line)
        speed = getattr(termios, f"B{address.baud}", None)
        if speed is None:
            raise TargetError(f"{address.text}: no serial line has {address.baud} baud")
        mode[4] = mode[5] = speed
        termios.tcsetattr(line, termios.TCSANOW, mode)
        if address.place.startswith("/dev/pts/"):
            os.write(line, _HVC_BREAK + b"g")
        else:
            termios.tcsendbreak(line, 0)
            os.write(line, b"g")
        said, end = b"", time.monotonic() + _SECONDS
        while _ENTERING not in said and time.monotonic() < end:
            try:
                said = said[-len(_ENTERING) :] + os.read(line, 4096)
            except BlockingIOError:
                time.sleep(0.05)
    finally:
        os.close(line)
