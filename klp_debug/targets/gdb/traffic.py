# SPDX-License-Identifier: GPL-2.0-or-later
"""What was asked of a stub: over a serial line every byte takes time."""

from dataclasses import dataclass


@dataclass(slots=True)
class Traffic:
    """Counts since the target was opened."""

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
