# SPDX-License-Identifier: GPL-2.0-or-later
"""``klp`` in a GDB that holds a guest of QEMU's stopped, against what the guest's functions do."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.support.gdb_process import GdbPrompt, gdb_prompt, run_by
from tests.support.gdb_target import klp, stub
from tests.support.live_guests import ORIGINALS, REPLACEMENTS, live_guest, running, ten
from tests.support.tier import by_tier
from vmcores.guest.guest import Guest
from vmcores.guest.live_guest import load_live_patch
from vmcores.host.newer_gdb import newer_gdb

pytestmark = pytest.mark.lab

CASES = [("6.1", "radix", "host"), ("7.2", "hash", "newer")]
"""Kernel, MMU, GDB."""


@pytest.fixture(scope="module", params=by_tier(covering=CASES[1:], full=CASES), ids="-".join)
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    kernel, mmu, gdb = request.param
    other = run_by(newer_gdb().gdb) if gdb == "newer" else nullcontext()
    with other, live_guest(kernel, mmu) as guest:
        guest.check("load-patch cmdline_patch_1 && load-patch cmdline_patch_2")
        yield guest


@pytest.fixture
def target(guest: Guest) -> list[str]:
    return stub(guest.image.vmlinux, guest.gdb_socket)


@pytest.fixture(autouse=True)
def _journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a journal of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def gdb(target: list[str]) -> Iterator[GdbPrompt]:
    with gdb_prompt(*target) as gdb:
        yield gdb
        gdb("detach")


def test_patches_are_those_that_sysfs_names(guest: Guest, target: list[str]) -> None:
    ran = klp(target, "klp list", "klp audit", "p $klp_status")
    for name in guest.check("ls /sys/kernel/livepatch").split():
        assert re.search(rf"^{name} +enabled ", ran.out, re.MULTILINE)
    assert "no finding in " in ran.out
    assert ran.out.endswith("$1 = 0\n")
    assert running(guest), "GDB detaches at its end"


def test_armed_and_disarmed(guest: Guest, target: list[str]) -> None:
    ran = klp(target, "klp disarm ten_patch --yes --force", "echo ==", "klp list")
    changed, _, listed = ran.out.partition("==")
    assert "ten_patch: disarmed" in changed
    assert "disarmed" in listed
    assert ten(guest) == ORIGINALS
    ran = klp(target, "klp status", "klp journal", "klp arm ten_patch --yes --force")
    assert "ten_patch: armed" in ran.out
    assert ten(guest) == REPLACEMENTS
    # Where the functions are called in between, each GDB is another.
    again = "klp disarm ten_patch --yes --force", "klp undo --yes --force"
    ran = klp(target, *again, "klp audit", "p $klp_status")
    assert ran.out.endswith(" = 0\n")
    assert ten(guest) == REPLACEMENTS


def test_memory_is_read_anew_after_the_target_ran(guest: Guest, gdb: GdbPrompt) -> None:
    """In one GDB: what was read is kept only as long as the target is stopped."""
    assert "ten_patch" in gdb("klp list")
    guest_runs(gdb)
    guest.check("disable-patch ten_patch && rmmod ten_patch")
    interrupt(gdb)
    assert "ten_patch" not in gdb("klp list")
    guest_runs(gdb)
    load_live_patch(guest, "ten_patch")
    interrupt(gdb)
    assert "ten_patch" in gdb("klp list")
    assert "ten_function_3" in gdb("klp func ten_function_3")


def guest_runs(gdb: GdbPrompt) -> None:
    gdb.child.sendline("continue")
    gdb.child.expect_exact("Continuing.")


def interrupt(gdb: GdbPrompt) -> None:
    gdb.child.sendintr()
    gdb.answer()


def test_a_user_is_asked(guest: Guest, gdb: GdbPrompt) -> None:
    asked = "Write this to the target? (y or n) "
    gdb.child.sendline("klp disarm ten_patch --force")
    gdb.child.expect_exact(asked)
    assert "ten_function_9" in str(gdb.child.before)
    gdb.child.sendline("perhaps")
    gdb.child.expect_exact("Please answer y or n.")
    gdb.child.expect_exact(asked)
    gdb.child.sendline("n")
    assert "declined" in gdb.answer()
    assert gdb("p $klp_status").strip().endswith("= 1")
    gdb.child.sendline("klp disarm ten_patch --force")
    gdb.child.expect_exact(asked)
    gdb.child.sendline("y")
    assert "disarmed" in gdb.answer()
    assert gdb("").strip() == "", "an empty line repeats no change"
    assert "disarmed" in gdb("klp list")
    assert "disarmed" in gdb(""), "what only reads is repeated"
    gdb("set confirm off")
    assert asked not in gdb("klp undo --force")
    guest_runs(gdb)
    assert ten(guest) == REPLACEMENTS
    interrupt(gdb)


def test_nobody_can_be_asked(guest: Guest, target: list[str]) -> None:
    """GDB would take that for a yes."""
    ran = klp(
        target,
        *("set confirm on", "klp disarm ten_patch"),
        *("set confirm off", "klp disarm ten_patch"),  # as `gdb -batch` has it
    )
    assert ran.err == "nobody can be asked here whether to write: say --yes, or --dry-run\n" * 2
    assert ten(guest) == REPLACEMENTS


def test_a_refusal_ends_a_script(guest: Guest, target: list[str], tmp_path: Path) -> None:
    script = tmp_path / "script.gdb"
    script.write_text("klp disarm cmdline_patch_1 --yes\necho went on\\n\n")
    ran = klp(target, f"source {script}")
    assert "overridden by cmdline_patch_2" in ran.out
    assert "went on" not in ran.out
    assert ran.err.endswith("Error in sourced command file:\nklp disarm: refused\n")


def test_gdb_finds_its_own_things_as_they_were(guest: Guest, gdb: GdbPrompt) -> None:
    """The selected thread and frame, and virtual memory: QEMU's stub is left as it was."""
    gdb("thread 2")
    looks = "thread", "output/x (long)$pc", "output/x *(long *)&linux_banner"
    before = [gdb(look) for look in looks]
    assert "ten_patch" in gdb("klp report")
    assert [gdb(look) for look in looks] == before
    assert gdb("maint packet qqemu.PhyMemMode").strip().endswith('received: "0"')
