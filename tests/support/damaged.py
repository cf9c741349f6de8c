# SPDX-License-Identifier: GPL-2.0-or-later
"""A real capture whose memory a test has damaged: faults put on top of what the file holds."""

import argparse
import struct
from pathlib import Path

from drgn import FaultError

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command import COMMANDS
from klp_debug.control.consent import Consent
from klp_debug.render.as_json import as_json
from klp_debug.render.as_text import as_text
from klp_debug.result.common import Answer
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from klp_debug.targets.target import Target

NOBODY = Consent(confirm=None, show=lambda change: None)


class DamagedCapture:
    """One opened capture."""

    def __init__(self, core: Path, vmlinux: Path) -> None:
        self.target: Target = open_target(TargetOptions(core=core, symbols=(vmlinux,)))
        self.prog = self.target.prog
        self._before: list[tuple[int, bytes]] = []

    def put(self, address: int, *words: int) -> None:
        """Replace doublewords at an address."""
        self.put_bytes(address, struct.pack(f"<{len(words)}Q", *words))

    def put_bytes(self, address: int, data: bytes) -> None:
        """Replace bytes at an address; the last segment added wins."""
        self._before.append((address, self.prog.read(address, len(data))))
        self._put(address, data)

    def _put(self, address: int, data: bytes) -> None:
        def read(at: int, count: int, offset: int, physical: bool) -> bytes:
            return data[offset : offset + count]

        self.prog.add_memory_segment(address, len(data), read)

    def mend(self) -> None:
        """Put back what was replaced or removed."""
        while self._before:
            self._put(*self._before.pop())

    def remove(self, address: int, size: int) -> None:
        """Make a range unreadable."""
        self._before.append((address, self.prog.read(address, size)))

        def read(at: int, count: int, offset: int, physical: bool) -> bytes:
            raise FaultError("removed by the test", at)

        self.prog.add_memory_segment(address, size, read)

    def answer(self, name: str, **arguments: str) -> Answer:
        """Run a command on it; its text and JSON are made too, to see that they can be."""
        (command,) = (command for command in COMMANDS if command.name == name)
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        args = parser.parse_args(list(arguments.values()))
        answer = command.run(KernelView(self.target), args, NOBODY)
        assert as_text(answer).isascii()
        assert as_text(answer).isprintable() or "\n" in as_text(answer)
        assert as_json(answer)
        return answer
