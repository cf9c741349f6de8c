# SPDX-License-Identifier: GPL-2.0-or-later
"""
A stalled transition whose blocker sleeps below a BPF trampoline.

A program on a function's exit has a trampoline that calls the function, so its frame stays on the
stack. It is in no symbol of vmlinux's; the kernel takes it for text, and so trusts the stack.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.bpf import attach_bpf
from tests.support.cli import klp_debug_json
from vmcores.build.image import image
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import booted_guest
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

WAITS_IN = "leaf_probe_wait_here"
TRAMPOLINE = "bpf_trampoline_"


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    """Only Linux 6.13 and later has such trampolines on ppc64."""
    with booted_guest(image("7.2"), memory=load_scenario("stalled").memory) as guest:
        guest.check("insmod /modules/scsi_common.ko; insmod /modules/leaf_probe.ko")
        attach_bpf(guest, "vfs_read", at_exit=True)
        guest.check("stall-patch wait_patch")
        yield guest


@pytest.fixture
def sleeper(guest: Guest) -> int:
    """Return the PID of the task below the trampoline, as the guest itself tells."""
    assert guest.check("cat /sys/kernel/livepatch/wait_patch/transition") == "1\n"
    said = guest.check("grep -l '^0' /proc/[0-9]*/patch_state").split("/")
    pid = int(said[2])
    stack = guest.check(f"cat /proc/{pid}/stack")
    assert WAITS_IN in stack
    assert TRAMPOLINE in stack
    return pid


def told(guest: Guest, *words: str, status: int = 0) -> Any:
    target = ("--qemu", guest.qmp_socket, "--symbols", guest.image.vmlinux)
    document = klp_debug_json(*words, *target, status=status)
    assert document["problems"] == []
    return document


def test_it_holds_the_transition_up(guest: Guest, sleeper: int) -> None:
    (task,) = told(guest, "transition", status=1)["waiting"]
    assert task["trace"]["pid"] == sleeper
    assert task["hold"] == "on its stack"
    assert f"{WAITS_IN} [leaf_probe]" in task["why"]


def test_its_stack_goes_through_the_trampoline_to_its_end(guest: Guest, sleeper: int) -> None:
    (task,) = told(guest, "bt", str(sleeper))["tasks"]
    assert task["unreliable"] is None
    names = [frame["symbol"].partition("+")[0] for frame in task["frames"]]
    (number,) = (at for at, name in enumerate(names) if name.startswith(TRAMPOLINE))
    assert WAITS_IN in names[:number]
    assert "vfs_read" in names[:number]
    assert "ksys_read" in names[number:]
    # As the guest itself tells, which does not tell of inlined functions. Its first line is the LR
    # save slot of the frame on top, which ``_switch()`` leaves unwritten: it may hold anything.
    shown = [frame["symbol"].partition(" ")[0] for frame in task["frames"] if not frame["inlined"]]
    _, *lines = guest.check(f"cat /proc/{sleeper}/stack").splitlines()
    assert "__switch_to+" in lines[0]
    for line in lines:
        symbol = line.split()[1].partition("/")[0]
        assert symbol in shown or symbol.startswith(TRAMPOLINE)
