# SPDX-License-Identifier: GPL-2.0-or-later
"""``klp`` in GDB on dumps that GDB reads: the guest's own word, and GDB's customs."""

import re
from pathlib import Path

import pytest

from tests.conftest import Captured
from tests.support.gdb_process import gdb_prompt, gdb_run
from tests.support.gdb_target import core, klp
from vmcores.scenarios.capture import CaptureSet

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("each_gdb")]


@pytest.fixture(scope="module")
def captures(captured: Captured) -> CaptureSet:
    return captured("patched", "radix", "6.1")


@pytest.fixture(scope="module")
def target(captures: CaptureSet) -> list[str]:
    return core(captures.image.vmlinux, captures.path("elf"))


def kallsyms(captures: CaptureSet, name: str) -> int:
    (address,) = [symbol.address for symbol in captures.oracle.kallsyms if symbol.name == name]
    return address


def test_functions_give_addresses_that_the_guest_told(
    captures: CaptureSet, target: list[str]
) -> None:
    new = kallsyms(captures, "patched_int_to_scsilun")
    # A leaf: its mcount site is behind `mflr r0`.
    site = kallsyms(captures, "int_to_scsilun") + 4
    ran = klp(
        target,
        'p/x (long)$klp_new_func("int_to_scsilun")',
        'p/x (long)$klp_site("int_to_scsilun")',
        'p $klp_site("scsi_common:int_to_scsilun") == $klp_site("int_to_scsilun")',
        'info symbol $klp_site("cmdline_proc_show")',
    )
    assert ran.err == ""
    lines = ran.out.splitlines()
    assert lines[0].endswith(f"= {new:#x}")
    assert lines[1].endswith(f"= {site:#x}")
    assert lines[2].endswith("= 1")
    assert lines[3] == "cmdline_proc_show + 12 in section .text"


def test_functions_without_an_answer(target: list[str]) -> None:
    messages = {
        '$klp_site("nonesuch")': "no function nonesuch in this kernel",
        '$klp_new_func("schedule")': "schedule itself: no live patch replaces it",
        "$klp_new_func(1)": '$klp_new_func takes a string: $klp_new_func("f")',
        "$klp_site()": "$klp_site takes a function's name",
    }
    ran = klp(target, *(f"p {expression}" for expression in messages))
    assert ran.out == ""
    for said, message in zip(ran.err.splitlines(), messages.values(), strict=True):
        assert message in said


def test_status_is_the_exit_code(target: list[str]) -> None:
    ran = klp(
        target,
        *("klp list > /dev/null", "p $klp_status"),
        *("klp ops", "p $klp_status"),
        *("klp func nonesuch", "p $klp_status"),
        *("klp list --nonesuch", "p $klp_status"),
    )
    assert re.findall(r"^\$\d = (\d)$", ran.out, re.MULTILINE) == ["2", "0", "2", "2"]
    assert ran.err.splitlines() == [
        "klp: unrecognized arguments: > /dev/null",
        "no function nonesuch in this kernel",
        "klp: unrecognized arguments: --nonesuch",
    ]


def test_set_and_show(captures: CaptureSet, tmp_path: Path) -> None:
    vmlinux = captures.image.vmlinux
    ran = gdb_run(
        "show klp symbols",
        f"core-file {captures.path('elf')}",
        "klp list",
        f"set klp symbols {vmlinux.parent}",
        "klp list",
        "show klp symbols",
        "show klp format",
        "set klp format json",
        "klp list",
    )
    assert "klp-debug: " not in ran.err
    assert "GDB has no symbols of a kernel: `file vmlinux` first" in ran.err
    assert "4 patches, 4 functions; no transition in progress" in ran.out
    assert f"klp commands find symbol files in {vmlinux.parent}.\n" in ran.out
    assert "The form of the klp commands' answers is text.\n{\n" in ran.out


def test_completion(captures: CaptureSet, target: list[str]) -> None:
    ran = klp(
        target,
        *("complete klp fu", "complete klp func int_to_sc", "complete klp func scsi_common:int_to"),
        *("complete klp disarm leaf", "complete klp disarm leaf_patch --function int"),
        *("complete klp disarm leaf_patch --by re", "complete klp list --j"),
    )
    assert ran.out.splitlines() == [
        "klp func",
        "klp func int_to_scsilun",
        "klp func scsi_common:int_to_scsilun",
        "klp disarm leaf_patch",
        "klp disarm leaf_patch --function int_to_scsilun",
        "klp disarm leaf_patch --by redirect",
        "klp list --json",
    ]


def test_pages_as_gdb_does(target: list[str]) -> None:
    with gdb_prompt(*target) as gdb:
        gdb("set height 5")
        gdb.child.sendline("klp ops")
        gdb.child.expect_exact("--Type <RET> for more, q to quit")
        gdb.child.sendline("q")
        gdb.answer()
        gdb("set height 0")
        assert "leaf_patch" in gdb("klp list")


def test_a_pipe_and_a_log_take_the_answer(target: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    ran = klp(
        target,
        "pipe klp list --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))'",
        f"set logging file {log}",
        "set logging enabled on",
        "klp list",
        "set logging enabled off",
    )
    assert re.search(r"^\d+$", ran.out, re.MULTILINE)
    assert "leaf_patch" in log.read_text()
    assert ran.err == ""


def test_a_dump_takes_no_write(target: list[str]) -> None:
    ran = klp(target, "klp disarm leaf_patch --yes", "p $klp_status")
    assert ran.err.startswith("nothing can be written to this ELF vmcore: that takes a target that")
    assert ran.out.endswith(" = 2\n")
