# SPDX-License-Identifier: GPL-2.0-or-later
"""
Runs inside GDB: lets a target go that nobody else would let go.

GDB is the one process that holds the connection, so what must happen even if klp-debug is busy or
killed happens here: when time is up, and when GDB's input ends. GDB by itself leaves QEMU's memory
in the mode in which klp-debug read it, for the next debugger to stumble over.
"""

from __future__ import annotations  # GDB may bring an older Python than ours

import contextlib
import threading

import gdb


def klp_debug_ready() -> None:
    """Fail where GDB cannot do what is asked of it here."""
    gdb.events.gdb_exiting.connect(_on_exit)


def klp_debug_limit(seconds: float) -> None:
    """Let the target run after that many seconds."""
    timer = threading.Timer(seconds, lambda: gdb.post_event(_time_is_up))
    timer.daemon = True
    timer.start()


def klp_debug_connected() -> bool:
    """Return whether there is a stub at the other end."""
    return gdb.selected_inferior().connection is not None


def klp_debug_release() -> bool:
    """Let the target run, if there is one, and forget it."""
    connection = gdb.selected_inferior().connection
    if not isinstance(connection, gdb.RemoteTargetConnection):
        return False
    with contextlib.suppress(gdb.error):
        connection.send_packet("Qqemu.PhyMemMode:0")  # KGDB answers that it knows no such packet
    gdb.execute("detach", to_string=True)
    return True


def _time_is_up() -> None:
    if klp_debug_release():
        gdb.write("klp-debug: released\n", gdb.STDLOG)


def _on_exit(event: object) -> None:
    with contextlib.suppress(gdb.error):
        klp_debug_release()
