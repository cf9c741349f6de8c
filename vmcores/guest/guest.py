# SPDX-License-Identifier: GPL-2.0-or-later
"""
A booted guest: run commands in it, ask it for its oracle, capture it.

The way to use it:

    with Guest(image("6.1"), "radix") as guest:
        guest.check("load-patch cmdline_patch_1")
        oracle = guest.oracle()

An error that leaves the block tells where the guest's console was saved.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from vmcores.build.image import Image
from vmcores.errors import GuestError
from vmcores.guest import qmp
from vmcores.guest.agent import Agent, Result
from vmcores.guest.machine import Hardware, Machine
from vmcores.host.cache import log_path
from vmcores.oracle.oracle import Oracle
from vmcores.oracle.oracle_files import read_oracle

BOOT_SECONDS = 120
CRASH_SECONDS = 180
# 128M was seen to be enough for the crash kernel with its initramfs. The place is given, since the
# 7.2 kernel for POWER10 would choose one that it overlaps.
CRASHKERNEL = "160M@256M"

# Kinds of capture -> file name. The first two are written by the crash kernel.
CRASH_CAPTURES = {"kdump": "vmcore.kdump", "elf": "vmcore.elf"}
QEMU_CAPTURES = {"qemu-elf": "qemu.elf", "qemu-kdump": "qemu.kdump"}
SYSRQ_CRASH = "echo c > /proc/sysrq-trigger"
QEMU_FORMATS = {"qemu-elf": "elf", "qemu-kdump": "kdump-zlib"}


class Guest:
    """A guest that booted; ends with the `with` block."""

    def __init__(
        self,
        image: Image,
        mmu: str = "radix",
        *,
        memory: str = "512M",
        smp: int = 2,
        share: Path | None = None,
        terminal: bool = False,
    ) -> None:
        """
        Prepare a guest of IMAGE; MMU is 'radix' or 'hash'.

        SHARE is the folder that the guest sees as /share; without it, a private one. TERMINAL
        puts the guest's console on our own terminal.
        """
        cpus = image.kernel.recipe.cpus
        if mmu not in cpus:
            raise GuestError(
                f"kernel '{image.kernel.recipe.name}' runs with MMU {' or '.join(cpus)},"
                f" not '{mmu}'"
            )
        self.image = image
        self.mmu = mmu
        self.machine = Machine(
            Hardware(cpus[mmu], memory, smp),
            image.kernel.stripped,
            image.initramfs,
            # A panic without a loaded crash kernel ends QEMU, by -no-reboot.
            f"console=hvc0 crashkernel={CRASHKERNEL} panic=1",
            share=share,
            terminal=terminal,
        )

    def __enter__(self) -> Self:
        self.machine.__enter__()
        try:
            shutil.copytree(self.image.modules, self.share / "modules", dirs_exist_ok=True)
            self.agent = Agent(self.machine.connect(self.machine.agent_socket))
            self.agent.wait_ready(BOOT_SECONDS)
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is not None and self.machine.console_log.exists():
                log = log_path(f"console {self.image.kernel.recipe.name} {self.mmu}")
                shutil.copy(self.machine.console_log, log)
                error.add_note(f"The guest's console is in {log}")
        finally:
            if hasattr(self, "agent"):
                self.agent.close()
            self.machine.stop()

    @property
    def share(self) -> Path:
        """The folder that the guest sees as /share."""
        return self.machine.share

    @property
    def pid(self) -> int:
        """QEMU's process id."""
        return self.machine.pid

    @property
    def qmp_socket(self) -> Path:
        """A QMP socket that the lab does not use."""
        return self.machine.qmp_socket

    @property
    def gdb_socket(self) -> Path:
        """QEMU's gdbstub; connecting stops the guest."""
        return self.machine.gdb_socket

    def console(self) -> str:
        """Return all that the guest's console said until now."""
        return self.machine.console_log.read_text(errors="replace")

    def run(self, command: str, timeout: float = 60) -> Result:
        """Run COMMAND in a shell of the guest. Raises GuestError if it does not come back."""
        return self.agent.run(command, timeout)

    def check(self, command: str, timeout: float = 60) -> str:
        """Run COMMAND and return its output. Raises GuestError if its status is not 0."""
        result = self.run(command, timeout)
        if result.status:
            raise GuestError(
                f"in the guest, '{command}' ended with status {result.status}:"
                f" {result.output.strip()}"
            )
        return result.output

    def read(self, path: str) -> bytes:
        """Return a file of the guest, of any size. Raises GuestError if it has none."""
        with tempfile.TemporaryDirectory(dir=self.share) as folder:
            self.check(f"cat '{path}' > '/share/{Path(folder).name}/file'")
            return (Path(folder) / "file").read_bytes()

    def oracle(self) -> Oracle:
        """Return what the guest says of itself now. Raises GuestError."""
        with tempfile.TemporaryDirectory(dir=self.share) as folder:
            self.check(f"tell-oracle '/share/{Path(folder).name}'")
            return read_oracle(Path(folder))

    def dump(self, kind: str, path: Path) -> None:
        """Let QEMU dump the guest to PATH; KIND is of QEMU_CAPTURES. The guest runs on."""
        qmp.execute(
            self.machine.lab_qmp_socket,
            "dump-guest-memory",
            {"paging": False, "protocol": f"file:{path}", "format": QEMU_FORMATS[kind]},
        )

    def crash(
        self,
        kinds: Sequence[str] = ("kdump",),
        last: str = "true",
        command: str = SYSRQ_CRASH,
    ) -> dict[str, Path]:
        """
        Crash the guest and return kind -> file as its crash kernel wrote them to the share.

        KINDS are of CRASH_CAPTURES. LAST is a command to run in the same breath as the crash, for
        a state that does not last; COMMAND is to crash it: any oops does. The guest has ended
        then. Raises GuestError if a capture is not there.
        """
        shutil.copy(self.image.kernel.stripped, self.share / "vmlinux")
        shutil.copy(self.image.initramfs, self.share / "initramfs.gz")
        append = (
            # The crash kernel runs on the CPU that crashed. With noirqdistrib it takes interrupts
            # there; without it, XICS (POWER8) sends them to CPU 0, where nobody waits for them.
            "console=hvc0 maxcpus=1 nr_cpus=1 noirqdistrib"
            f" lab.capture={','.join(kinds)}"
            f" lab.dump_level={self.image.kernel.recipe.dump_level}"
        )
        self.check(f"kexec -p /share/vmlinux --initrd=/share/initramfs.gz --append='{append}'")
        self.check("echo 1 > /proc/sys/kernel/panic_on_oops")
        self.agent.send(f"{last} && {command}")
        self.machine.wait(CRASH_SECONDS)
        files = {kind: self.share / CRASH_CAPTURES[kind] for kind in kinds}
        missing = [kind for kind, path in files.items() if not path.exists()]
        if missing:
            raise GuestError(f"the crash kernel wrote no capture {', '.join(missing)}")
        return files
