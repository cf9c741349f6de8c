# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with patches to switch while it runs: those of vmcores/sources/live/."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vmcores.build.guest_modules import build_live_modules
from vmcores.build.image import image
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import saved_guest
from vmcores.host.cache import file_digests

TEN_PATCH = "ten_patch"
"""Replaces ten functions of ten_functions.ko."""


@contextmanager
def live_guest(kernel: str, mmu: str = "radix", *, smp: int = 2) -> Iterator[Guest]:
    """
    Yield a guest with ten functions, which ten_patch replaces; the next is of the same boot.

    Raises LabError.
    """
    booted = image(kernel)
    shape = build_live_modules(booted.kernel).name, file_digests(Path(__file__))
    with saved_guest("live", shape, booted, mmu, smp=smp, prepare=_load) as guest:
        _give_modules(guest)
        yield guest


@contextmanager
def booted_live_guest(kernel: str) -> Iterator[Guest]:
    """Yield such a guest, in a boot of its own. Raises LabError."""
    with Guest(image(kernel)) as guest:
        _load(guest)
        yield guest


def _load(guest: Guest, _: Path | None = None) -> None:
    _give_modules(guest)
    guest.check("insmod /share/live/ten_functions.ko")
    load_live_patch(guest, TEN_PATCH)


def _give_modules(guest: Guest) -> None:
    shutil.copytree(build_live_modules(guest.image.kernel), guest.share / "live")


def load_live_patch(guest: Guest, name: str) -> None:
    """Load a patch, and wait until its transition is over."""
    guest.check(f"insmod /share/live/{name}.ko")
    settle(guest, name)


def settle(guest: Guest, name: str) -> None:
    """Wait until a patch's transition is over."""
    transition = f"/sys/kernel/livepatch/{name}/transition"
    guest.check(f"while [ $(cat {transition}) = 1 ]; do usleep 20000; done")
