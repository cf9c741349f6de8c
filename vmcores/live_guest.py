# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with patches to switch while it runs: those of vmcores/live_modules/."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from vmcores.guest import Guest
from vmcores.guest_modules import build_live_modules
from vmcores.image import image

TEN_PATCH = "ten_patch"
"""Replaces ten functions of ten_functions.ko."""


@contextmanager
def live_guest(kernel: str, mmu: str = "radix", *, smp: int = 2) -> Iterator[Guest]:
    """Boot a guest with ten functions, which ten_patch replaces. Raises GuestError."""
    booted = image(kernel)
    with Guest(booted, mmu, smp=smp) as guest:
        shutil.copytree(build_live_modules(booted.kernel), guest.share / "live")
        guest.check("insmod /share/live/ten_functions.ko")
        load_live_patch(guest, TEN_PATCH)
        yield guest


def load_live_patch(guest: Guest, name: str) -> None:
    """Load a patch, and wait until its transition is over."""
    guest.check(f"insmod /share/live/{name}.ko")
    settle(guest, name)


def settle(guest: Guest, name: str) -> None:
    """Wait until a patch's transition is over."""
    transition = f"/sys/kernel/livepatch/{name}/transition"
    guest.check(f"while [ $(cat {transition}) = 1 ]; do usleep 20000; done")
