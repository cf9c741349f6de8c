# SPDX-License-Identifier: GPL-2.0-or-later
"""
Patches that are wrong on purpose: ``scan`` says so before, and the guest when they are loaded.

What a guest does with a sibling call is in the scenario sibling_call, which crashes.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import klp_debug_json
from tests.support.scanned import scan_json
from tests.support.tier import by_tier
from vmcores.build.bad_patch_modules import build_bad_patches
from vmcores.build.image import image
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab

KERNELS = by_tier(covering=["6.1", "7.2-pcrel"], full=["6.1", "6.12", "7.2", "7.2-pcrel"])


@dataclass(frozen=True)
class Bad:
    """What is wrong with one patch, and what the guest says of it."""

    id: str
    log: str | None = None
    """What the kernel logs when it refuses the patch; None if it takes it."""
    patched: str = "0"
    """Of a patch that it takes: whether it has replaced anything."""


BAD = {
    "ambiguous_patch": Bad("original-ambiguous", "unresolvable ambiguity for symbol 'c_start'"),
    "assembler_patch": Bad(
        "original-without-site", "failed to find location for function 'memset'"
    ),
    "dash_patch": Bad("object-never-patched"),
    # Not called: it would run with a wrong TOC.
    "entry_patch": Bad("replacement-not-at-entry", patched="1"),
    "init_original_patch": Bad(
        "original-in-init-text", "failed to find location for function 'start_kernel'"
    ),
    "inlined_patch": Bad("original-inlined", "symbol 'klp_is_module' not found in symbol table"),
    "missing_patch": Bad("original-missing", "symbol 'no_such_function' not found in symbol table"),
    "named_vmlinux_patch": Bad("object-never-patched"),
    "no_nop_patch": Bad("call-without-nop", "Expected nop after call, got 38210020"),
    "no_object_patch": Bad("object-not-given"),
    "no_replacement_patch": Bad("replacement-missing", ""),
    "notrace_patch": Bad("original-notrace", "failed to find location for function 'sched_clock'"),
    "position_patch": Bad(
        "original-wrong-position", "symbol position 9 for symbol 'c_start' in object 'vmlinux' not"
    ),
    "too_small_patch": Bad(
        "original-too-small",
        "failed to find location for function 'arch_ftrace_match_adjust'",
    ),
    "unmarked_patch": Bad(
        "not-marked-livepatch", "module unmarked_patch is not marked as a livepatch module"
    ),
}
WITH_TOC = ("no_nop_patch", "sibling_call_patch")


@dataclass(frozen=True)
class Lab:
    """A guest of one kernel that has the bad patches in its share."""

    guest: Guest
    patches: Path

    def hazards(self, name: str) -> list[tuple[str, str]]:
        """Return id and level of what ``scan`` says, but for the notes."""
        document = self.scan(name)
        found = [(one["id"], one["level"]) for one in document["hazards"]]
        return [one for one in found if one[1] != "note"]

    def scan(self, name: str) -> Any:
        against = (self.guest.image.vmlinux, self.guest.image.modules)
        return scan_json(self.patches / f"{name}.ko", *against)

    def refusals(self) -> list[str]:
        """Return the lines by which the kernel refused a patch, as ``list`` tells them."""
        target = ("--qemu", self.guest.qmp_socket, "-s", self.guest.image.vmlinux)
        return [one["line"] for one in klp_debug_json("list", *target)["refusals"]]

    def load(self, name: str) -> tuple[int, str]:
        """Load it; return insmod's status, and what the kernel said."""
        self.guest.check("dmesg -c > /dev/null")
        status = self.guest.run(f"insmod /share/bad/{name}.ko").status
        return status, self.guest.check("dmesg")

    def unload(self, name: str) -> None:
        self.guest.check(
            f"echo 0 > /sys/kernel/livepatch/{name}/enabled;"
            f" while [ -e /sys/kernel/livepatch/{name} ]; do usleep 50000; done; rmmod {name}"
        )


@pytest.fixture(scope="module")
def labs() -> Iterator[dict[str, Lab]]:
    """The guest that runs now, at most one."""
    running: dict[str, Lab] = {}
    yield running
    for lab in running.values():
        lab.guest.__exit__(None, None, None)


@pytest.fixture
def lab(request: pytest.FixtureRequest, labs: dict[str, Lab]) -> Lab:
    kernel = request.param
    if kernel not in labs:
        for other in list(labs):
            labs.pop(other).guest.__exit__(None, None, None)
        booted = image(kernel)
        patches = build_bad_patches(booted.kernel)
        guest = booted_guest(booted).__enter__()
        labs[kernel] = Lab(guest, patches)
        shutil.copytree(patches, guest.share / "bad")
    return labs[kernel]


def on(*names: str) -> pytest.MarkDecorator:
    """Give a test a guest of each kernel, kernel by kernel, and each of these patches."""
    cases = [
        pytest.param(kernel, name, id=f"{kernel}-{name}")
        for kernel in KERNELS
        for name in names
        if kernel != "7.2-pcrel" or name not in WITH_TOC
    ]
    return pytest.mark.parametrize(("lab", "name"), cases, indirect=["lab"])


@on(*BAD)
def test_what_is_wrong_is_said_before_and_by_the_guest(lab: Lab, name: str) -> None:
    bad = BAD[name]
    level = "warning" if bad.id == "object-not-given" else "error"
    assert lab.hazards(name) == [(bad.id, level)]
    status, log = lab.load(name)
    if bad.log is not None:
        assert status != 0
        assert bad.log in log
        return
    assert status == 0, log
    said = lab.guest.check(f"cat /sys/kernel/livepatch/{name}/*/patched")
    lab.unload(name)
    assert said.split() == [bad.patched]


@pytest.mark.parametrize("lab", ["7.2"], indirect=True)
def test_every_refusal_is_told(lab: Lab) -> None:
    """``list`` tells of each what the kernel said, and what it means."""
    for name, bad in BAD.items():
        if bad.log:
            assert lab.load(name)[0] != 0
    told = lab.refusals()
    for bad in BAD.values():
        if bad.log:
            assert any(bad.log in line for line in told), bad.log


@on("second_patch")
def test_the_position_that_scan_resolves_is_the_kernels(lab: Lab, name: str) -> None:
    assert lab.hazards(name) == []
    (file,) = lab.scan(name)["files"]
    (predicted,) = file["patch"]
    assert lab.load(name)[0] == 0
    target = ("--qemu", lab.guest.qmp_socket, "--symbols", lab.guest.image.vmlinux)
    document = klp_debug_json("list", *target)
    lab.unload(name)
    (function,) = document["patches"][0]["objects"][0]["functions"]
    assert (function["old_name"], function["sympos"]) == ("c_start", 2)
    assert function["old_func"] == predicted["original"]["address"]


@on("sibling_call_patch")
def test_a_sibling_call(lab: Lab, name: str) -> None:
    assert lab.hazards(name) == [("replacement-sibling-call", "error")]
