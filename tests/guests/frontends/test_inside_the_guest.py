# SPDX-License-Identifier: GPL-2.0-or-later
"""
klp-debug on the ppc64le kernel itself, through /proc/kcore, in a Debian user land.

What it says there is what it says from outside, through QEMU: two ways to the same memory.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cli import klp_debug_json
from vmcores.build.image import image
from vmcores.errors import LabError
from vmcores.guest.debian import SUITE, debian_tree, install, python
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import booted_guest
from vmcores.scenarios.capture import play
from vmcores.scenarios.scenario import load_scenario

# Under emulation Python takes minutes for one command.
pytestmark = [pytest.mark.lab, pytest.mark.full]

SECONDS = 600
"""Python starts slowly under emulation, and compiles its modules at the first start."""


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    try:
        debian_tree()
    except LabError as error:
        pytest.skip(f"Debian's {SUITE}, which is in development, cannot be had: {error}")
    with booted_guest(image("6.1"), memory="1G") as guest:
        play(guest, load_scenario("patched"))
        install(guest)
        yield guest


def inside(guest: Guest, *words: str, status: int = 0) -> str:
    """Run Python in the guest; return what it printed on stdout."""
    ran = guest.run(f"{python(*words)} > /share/out 2> /share/err", SECONDS)
    assert ran.status == status, (guest.share / "err").read_text()
    return (guest.share / "out").read_text()


@pytest.mark.parametrize(
    "words", [("list",), ("func", "int_to_scsilun"), ("report",)], ids=" ".join
)
def test_it_agrees_with_the_view_from_outside(guest: Guest, words: tuple[str, ...]) -> None:
    there = inside(guest, "-m", "klp_debug", *words, "-k", "-s", "/vmlinux", "--json")
    outside: Any = klp_debug_json(
        *words, "--qemu", guest.qmp_socket, "--symbols", guest.image.vmlinux
    )
    document = json.loads(there)
    assert document["kernel"].pop("source") == "running kernel"
    assert outside["kernel"].pop("source") == "QEMU guest"
    assert document["kernel"]["mmu"] == guest.mmu
    assert document["problems"] == []
    assert document == outside


def test_the_plugin_of_debians_drgn(guest: Guest) -> None:
    code = "from drgn.commands import run_command; run_command(prog, 'klp list --json')"
    there = inside(guest, "/usr/bin/drgn", "-q", "-k", "-s", "/vmlinux", "-e", f'"{code}"')
    words = "list", "--qemu", guest.qmp_socket, "--symbols", guest.image.vmlinux
    assert json.loads(there)["patches"] == klp_debug_json(*words)["patches"]


def test_without_capstone_words_have_no_mnemonics(guest: Guest) -> None:
    """All else is as it was."""
    absent = f"{guest.share}/debian/usr/lib/python3/dist-packages/capstone"
    hidden = f"{absent}.hidden"
    command = "-m", "klp_debug", "func", "int_to_scsilun", "-k", "-s", "/vmlinux"
    guest.check(f"mv {_there(guest, absent)} {_there(guest, hidden)}")
    try:
        text = inside(guest, *command)
    finally:
        guest.check(f"mv {_there(guest, hidden)} {_there(guest, absent)}")
    assert re.search(r"7c0802a6  \.long +0x7c0802a6 +global and local entry point", text)
    assert re.search(r"->  [0-9a-f]{16}  [0-9a-f]{8}  bl .*mcount site, \+0x4, armed", text)
    assert "runs  patched_int_to_scsilun [leaf_patch]" in text


def _there(guest: Guest, path: str) -> str:
    """Return the guest's name of a path in its share."""
    return path.replace(str(guest.share), "/share")
