# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's own makedumpfile, run on this machine: who makes the dumps that are not whole."""

import subprocess
from pathlib import Path

_SECONDS = 120


class Makedumpfile:
    """The ppc64le program of the guest's user land, by QEMU's user emulation."""

    def __init__(self, initramfs: Path, folder: Path) -> None:
        """
        Unpack it.

        :param initramfs: of a guest
        :param folder: a new one
        """
        self._folder = folder
        unpack = ["cpio", "--extract", "--make-directories", "--quiet", "bin/makedumpfile", "lib/*"]
        with subprocess.Popen(["gzip", "-dc", initramfs], stdout=subprocess.PIPE) as packed:
            subprocess.run(unpack, stdin=packed.stdout, cwd=folder, check=True)

    def run(self, *words: str | Path, flattened_to: Path | None = None) -> None:
        """
        Run it; it must do what it was told.

        :param flattened_to: where its stdout goes
        """
        if flattened_to is None:
            self._run(self._command(*words), check=True)
            return
        with flattened_to.open("wb") as out:
            subprocess.run(
                self._command("-F", *words),
                stdout=out,
                stderr=subprocess.DEVNULL,
                check=True,
                timeout=_SECONDS,
            )

    def run_out_of_room(self, dump: Path, megabytes: int, *words: str | Path) -> None:
        """
        Let it write a dump to a file system that is too small, and keep what it wrote.

        The file system is seen by nobody else, and goes with the process.
        """
        room = self._folder / "room"
        room.mkdir(exist_ok=True)
        command = self._command(*words, room / "dump")
        quoted = " ".join(f"'{word}'" for word in command)
        script = (
            f"mount -t tmpfs -o size={megabytes}m none '{room}' && ! {quoted}"
            f" && cp --sparse=always '{room}/dump' '{dump}'"
        )
        self._run(["unshare", "--mount", "--map-root-user", "sh", "-c", script], check=True)

    def _command(self, *words: str | Path) -> list[str]:
        libraries = self._folder / "lib" / "powerpc64le-linux-gnu"
        loader = [str(libraries / "ld64.so.2"), "--library-path", str(libraries)]
        program = str(self._folder / "bin" / "makedumpfile")
        return ["qemu-ppc64le", *loader, program, "--message-level", "4", *map(str, words)]

    def _run(self, command: list[str], *, check: bool) -> None:
        subprocess.run(command, capture_output=True, check=check, timeout=_SECONDS)
