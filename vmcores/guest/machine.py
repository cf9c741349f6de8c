# SPDX-License-Identifier: GPL-2.0-or-later
"""One QEMU process: its command line, its sockets, and its certain end."""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from vmcores.errors import GuestError

QEMU = "qemu-system-ppc64"
# TCG has none of what these capabilities promise.
PSERIES = "pseries,cap-htm=off,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off"
STOP_SECONDS = 10


@dataclass(frozen=True)
class Hardware:
    """What the guest has."""

    cpu: str
    memory: str = "512M"
    smp: int = 2


class Machine:
    """
    A running QEMU; ends with the `with` block, and with this process however it dies.

    The kernel sends QEMU SIGKILL when the thread that started it ends: keep that thread.
    """

    def __init__(
        self,
        hardware: Hardware,
        kernel: Path,
        initramfs: Path,
        append: str,
        *,
        share: Path | None = None,
        terminal: bool = False,
    ) -> None:
        """Prepare a machine; TERMINAL puts its console on our own terminal (Ctrl-A x ends it)."""
        self.hardware = hardware
        self.kernel = kernel
        self.initramfs = initramfs
        self.append = append
        self.terminal = terminal
        self.given_share = share
        """The folder of the host that the guest is to see; None: a private one."""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # Short, since the path of a unix socket is limited to 107 bytes; private by its mode.
        self.folder = Path(tempfile.mkdtemp(prefix="klp-lab-"))
        try:
            self.share = self.given_share or self.folder / "share"
            self.share.mkdir(exist_ok=True)
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def qmp_socket(self) -> Path:
        """A QMP socket for the tool under test."""
        return self.folder / "qmp"

    @property
    def lab_qmp_socket(self) -> Path:
        """The lab's own QMP socket."""
        return self.folder / "lab-qmp"

    @property
    def gdb_socket(self) -> Path:
        """QEMU's gdbstub; connecting stops the guest."""
        return self.folder / "gdb"

    @property
    def agent_socket(self) -> Path:
        """hvc1: the shell without echo."""
        return self.folder / "agent"

    @property
    def console_log(self) -> Path:
        """All that hvc0 said."""
        return self.folder / "console.log"

    @property
    def qemu_log(self) -> Path:
        """What QEMU itself said."""
        return self.folder / "qemu.log"

    @property
    def pid(self) -> int:
        """The process id. Raises GuestError if it was not started."""
        if self._process is None:
            raise GuestError("the guest was not started")
        return self._process.pid

    def command(self) -> list[str]:
        """Return QEMU's command line."""
        log = f"logfile={self.console_log}"
        console = (
            f"stdio,id=console,mux=on,signal=off,{log}"
            if self.terminal
            else f"socket,id=console,path={self.folder / 'console'},server=on,wait=off,{log}"
        )
        return [
            *(QEMU, "-M", PSERIES, "-cpu", self.hardware.cpu),
            *("-smp", str(self.hardware.smp), "-m", self.hardware.memory),
            *("-nodefaults", "-display", "none", "-no-reboot"),
            *("-kernel", str(self.kernel), "-initrd", str(self.initramfs)),
            *("-append", self.append),
            *("-chardev", console, "-device", "spapr-vty,chardev=console"),
            "-chardev",
            f"socket,id=agent,path={self.agent_socket},server=on,wait=off",
            *("-device", "spapr-vty,chardev=agent"),
            *("-qmp", f"unix:{self.lab_qmp_socket},server=on,wait=off"),
            *("-qmp", f"unix:{self.qmp_socket},server=on,wait=off"),
            *("-gdb", f"unix:{self.gdb_socket},server=on,wait=off"),
            "-virtfs",
            f"local,path={self.share},mount_tag=share,security_model=none,multidevs=remap",
        ]

    def _start(self) -> None:
        with self.qemu_log.open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command()],
                stdin=None if self.terminal else subprocess.DEVNULL,
                stdout=None if self.terminal else log,
                stderr=log,
                # Ctrl-C is for us, who then stop it in order; but a terminal wants its own group.
                start_new_session=not self.terminal,
            )

    def connect(self, path: Path, timeout: float = 10) -> socket.socket:
        """Return a connection to the socket PATH. Raises GuestError if QEMU does not make it."""
        end = time.monotonic() + timeout
        while True:
            connection = socket.socket(socket.AF_UNIX)
            with contextlib.suppress(OSError):
                connection.connect(str(path))
                return connection
            connection.close()
            if not self.running() or time.monotonic() > end:
                raise GuestError(f"QEMU did not start: {self.qemu_log.read_text().strip()}")
            time.sleep(0.05)

    def running(self) -> bool:
        """Return whether QEMU is alive."""
        return self._process is not None and self._process.poll() is None

    def wait(self, timeout: float) -> None:
        """Wait until QEMU has ended by itself. Raises GuestError after TIMEOUT seconds."""
        if self._process is not None:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired as error:
                raise GuestError(f"the guest still runs after {timeout:.0f} s") from error

    def stop(self) -> None:
        """End QEMU, by its own process only, and remove its private folder."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
