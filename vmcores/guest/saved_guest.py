# SPDX-License-Identifier: GPL-2.0-or-later
"""
Guests that go on where one was saved, in a third of a second: a boot takes ten.

What is saved is the whole machine, by QEMU's migration. All that go on from one are of the same
boot; whoever needs another boot boots a :class:`vmcores.guest.guest.Guest`.
"""

import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self

from vmcores.build.guest_modules import build_saved_modules
from vmcores.build.image import Image
from vmcores.errors import GuestError
from vmcores.guest.agent import Agent
from vmcores.guest.guest import Guest
from vmcores.guest.machine import QEMU, Machine
from vmcores.guest.qmp import execute
from vmcores.host.cache import entry, file_digests, key_of
from vmcores.host.stage import stage

_SHAPING = ("agent", "guest", "machine", "saved_guest")
_STATE = "state"
_SECONDS = 60
_MOUNT = "mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288 share /share"
"""As its init did: no machine is saved that has a folder of the host's mounted."""


class SavedGuest(Guest):
    """A guest that goes on; ends with the `with` block."""

    def __init__(
        self,
        folder: Path,
        image: Image,
        mmu: str,
        *,
        memory: str,
        smp: int,
        share: Path | None = None,
    ) -> None:
        """Prepare what :func:`saved_guest` saved in FOLDER; SHARE is as a :class:`Guest` has it."""
        super().__init__(image, mmu, memory=memory, smp=smp, share=share)
        self.folder = folder
        """What was written beside the state when it was saved."""
        self.machine = _RestoredMachine(folder / _STATE, self.machine)

    def __enter__(self) -> Self:
        self.machine.__enter__()
        try:
            shutil.copytree(self.image.modules, self.share / "modules", dirs_exist_ok=True)
            self.agent = Agent(self.machine.connect(self.machine.agent_socket))
            _until(self.machine, "query-status", "inmigrate")
            execute(self.machine.lab_qmp_socket, "cont")
            self.check(_MOUNT)
            shutil.copytree(build_saved_modules(self.image.kernel), self.share / "saved")
            # That fails, with its work done.
            self.run("insmod /share/saved/restart_timers.ko")
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self


class _RestoredMachine(Machine):
    def __init__(self, state: Path, like: Machine) -> None:
        super().__init__(
            like.hardware, like.kernel, like.initramfs, like.append, share=like.given_share
        )
        self._state = state

    def command(self) -> list[str]:
        return [*super().command(), "-incoming", f"exec:cat {shlex.quote(str(self._state))}"]


def booted_guest(
    image: Image,
    mmu: str = "radix",
    *,
    memory: str = "512M",
    smp: int = 2,
    share: Path | None = None,
) -> SavedGuest:
    """Return a guest that has booted, with SHARE as its /share. Raises LabError."""
    return saved_guest("booted", None, image, mmu, memory=memory, smp=smp, share=share)


def saved_guest(
    name: str,
    shape: object,
    image: Image,
    mmu: str = "radix",
    *,
    memory: str = "512M",
    smp: int = 2,
    share: Path | None = None,
    prepare: Callable[[Guest, Path], None] | None = None,
) -> SavedGuest:
    """
    Return a guest that goes on behind PREPARE, which the first of its kind has run.

    NAME is of the cache's entry; SHAPE is what PREPARE depends on besides the kernel, and JSON must
    be able to hold it. PREPARE gets the guest, and a folder for what is to be kept beside it.
    Raises LabError.
    """
    here = Path(__file__)
    digests = file_digests(*(here.with_name(f"{module}.py") for module in _SHAPING))
    cpu = image.kernel.recipe.cpus.get(mmu)
    key = key_of(name, shape, image.key, mmu, cpu, memory, smp, digests, _qemu_version())

    def make(folder: Path) -> None:
        start = (
            Guest(image, mmu, memory=memory, smp=smp)
            if prepare is None
            else booted_guest(image, mmu, memory=memory, smp=smp)
        )
        with start as guest, stage(f"save guest {label}", 2):
            if prepare is not None:
                prepare(guest, folder)
            _save(guest, folder / _STATE)

    label = f"{name}-{image.kernel.recipe.name}-{mmu}-{smp}"
    folder = entry("guests", label, key, make)
    return SavedGuest(folder, image, mmu, memory=memory, smp=smp, share=share)


def _save(guest: Guest, state: Path) -> None:
    guest.check("sync; umount /share")
    execute(guest.machine.lab_qmp_socket, "stop")
    execute(
        guest.machine.lab_qmp_socket, "migrate", {"uri": f"exec:cat > {shlex.quote(str(state))}"}
    )
    ended = _until(guest.machine, "query-migrate", "setup", "active", "device")
    if ended != "completed":
        raise GuestError(f"QEMU could not save the guest: {ended}")


def _until(machine: Machine, query: str, *states: str) -> str:
    """Return the state of MACHINE by QUERY that is none of STATES, once it is there."""
    end = time.monotonic() + _SECONDS
    while True:
        told: Any = execute(machine.lab_qmp_socket, query)
        if told["status"] not in states:
            return str(told["status"])
        if time.monotonic() > end:
            raise GuestError(f"QEMU's {query} is still {told['status']} after {_SECONDS} s")
        time.sleep(0.02)


@cache
def _qemu_version() -> str:
    done = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]
