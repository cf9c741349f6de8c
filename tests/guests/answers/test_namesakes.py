# SPDX-License-Identifier: GPL-2.0-or-later
"""A replacement that has the name of its original, as kpatch makes them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cli import klp_debug_json, klp_debug_run
from tests.support.tier import by_tier
from vmcores.build.image import image
from vmcores.build.recipe import guest_kernels
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab

NAME, MODULE, PATCH = "int_to_scsilun", "scsi_common", "namesake_patch"
SPELLINGS = (NAME, f"{NAME},1", f"scsi-common:{NAME}", f"{NAME}+0x8/0x38 [{MODULE}]")
"""Ours, sysfs's and kpatch's, and the kernel's in a trace; a unit test has more."""


@pytest.fixture(scope="module", params=by_tier(covering=["7.2"], full=guest_kernels()))
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    with booted_guest(image(request.param)) as guest:
        guest.check("insmod /modules/scsi_common.ko; insmod /modules/leaf_probe.ko")
        guest.check(f"load-patch {PATCH}")
        assert called(guest) == "d8" * 8
        yield guest


def called(guest: Guest) -> str:
    """Return what the function does when it is called."""
    return guest.check(f"grep {NAME} /proc/leaf_probe").split()[1]


def ask(guest: Guest, *words: str, status: int = 0) -> Any:
    document = klp_debug_json(
        *words, "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux, status=status
    )
    assert document["problems"] == []
    return document


def addresses(guest: Guest) -> dict[str, int]:
    """Return where each object has it, as kallsyms says."""
    lines = guest.check(f"grep ' {NAME}\t' /proc/kallsyms").splitlines()
    told = {line.split()[3].strip("[]"): int(line.split()[0], 16) for line in lines}
    assert told.keys() == {MODULE, PATCH}
    return told


def test_the_function_that_callers_call_is_meant_and_the_other_is_told(guest: Guest) -> None:
    at = addresses(guest)
    for spec in SPELLINGS:
        document = ask(guest, "func", spec)
        assert (document["module"], int(document["address"], 16)) == (MODULE, at[MODULE])
        (other,) = document["namesakes"]
        assert (other["module"], int(other["address"], 16)) == (PATCH, at[PATCH])
        assert document["winner"]["patch"] == PATCH
        assert document["in_patch"] is None


def test_its_site_too(guest: Guest) -> None:
    at = addresses(guest)
    sites = {ask(guest, "site", spec)["site"]["address"] for spec in SPELLINGS[:2]}
    (site,) = {int(site, 16) for site in sites}
    assert at[MODULE] <= site < at[MODULE] + 0x10
    offset = site - at[MODULE]
    by_offset = ask(guest, "site", f"{NAME}+{offset:#x}/0x38 [{MODULE}]")
    assert int(by_offset["site"]["address"], 16) == site
    assert by_offset["namesakes"][0]["module"] == PATCH


def test_the_replacement_says_what_it_is(guest: Guest) -> None:
    at = addresses(guest)[PATCH]
    for spec in (f"{NAME} [namesake-patch]", f"{at:#x}"):
        document = ask(guest, "func", spec)
        assert (document["module"], int(document["address"], 16)) == (PATCH, at)
        found = document["in_patch"]
        assert (found["patch"], found["applied"]) == (PATCH, True)
        assert (found["replaces"], found["runs"]) == (f"{NAME} [{MODULE}]", "replacement")
    text = klp_debug_run(
        "func", f"{PATCH}:{NAME}", "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux
    ).out
    assert f"{PATCH} has it for {NAME} [{MODULE}]; a call of that runs this" in text


def test_what_else_a_patch_has(guest: Guest) -> None:
    found = ask(guest, "func", "namesake_helper")["in_patch"]
    assert (found["patch"], found["replaces"], found["runs"]) == (PATCH, None, None)


def test_once_it_is_overridden_and_once_it_is_retired(guest: Guest) -> None:
    guest.check("load-patch leaf_patch")
    said = called(guest)
    assert said != "d8" * 8
    found = ask(guest, "func", f"{PATCH}:{NAME}")["in_patch"]
    assert (found["runs"], found["above"]) == ("overridden", "leaf_patch")
    guest.check("disable-patch leaf_patch && rmmod leaf_patch")
    assert called(guest) == "d8" * 8
    guest.check(f"disable-patch {PATCH}")
    document = ask(guest, "func", f"{PATCH}:{NAME}")
    assert (document["in_patch"]["applied"], document["in_patch"]["replaces"]) == (False, None)
    assert ask(guest, "func", NAME)["module"] == MODULE
