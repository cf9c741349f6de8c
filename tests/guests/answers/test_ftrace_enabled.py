# SPDX-License-Identifier: GPL-2.0-or-later
"""
The sysctl kernel.ftrace_enabled = 0 on a kernel that lets it be set while patches are enabled.

Such are those before 5.5, whose livepatch ops have no PERMANENT flag: here it is taken from them.
"""

import gc
from collections.abc import Iterator

import pytest

from klp_debug.kernel.ftrace import ftrace_ops_flags
from klp_debug.kernel.livepatch import for_each_klp_ops
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.support.cli import klp_debug_json
from vmcores.guest import debugger
from vmcores.guest.guest import Guest
from vmcores.scenarios.played_guest import played_guest
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

ORIGINAL = "int_to_scsilun d2040b0300000000\n"
PATCHED = "int_to_scsilun a5a5a5a5a5a5a5a5\n"
SYSCTL = "/proc/sys/kernel/ftrace_enabled"


def take_permanent(guest: Guest) -> None:
    """Make the ops of all live patches what they were before 5.5."""
    options = TargetOptions(qemu=str(guest.qmp_socket), symbols=(guest.image.vmlinux,))
    prog = open_target(options).prog
    permanent = ftrace_ops_flags(prog)["PERMANENT"]
    assert permanent
    left = {
        ops.fops.flags.address_: ops.fops.flags.value_() & ~permanent
        for ops in for_each_klp_ops(prog)
    }
    del prog
    gc.collect()  # drgn keeps the QMP socket as long as there is a program
    for address, flags in left.items():
        assert address is not None
        debugger.write(guest.gdb_socket, address, flags.to_bytes(8, "little"))


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    with played_guest(load_scenario("patched"), "6.1", "radix") as guest:
        assert guest.run(f"echo 0 > {SYSCTL}").status != 0  # a kernel of today refuses it
        take_permanent(guest)
        guest.check(f"echo 0 > {SYSCTL}")
        yield guest


def test_the_originals_run_and_no_debugger_is_blamed(guest: Guest) -> None:
    assert guest.check("grep int_to_scsilun /proc/leaf_probe") == ORIGINAL
    target = ("--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)
    document = klp_debug_json("list", *target)
    functions = [
        function
        for patch in document["patches"]
        for obj in patch["objects"]
        for function in obj["functions"]
    ]
    assert {function["disarmed"] for function in functions} == {None}
    assert {function["runs"] for function in functions if function["winner"]} == {"original"}
    shown = klp_debug_json("func", "int_to_scsilun", *target, status=1)
    assert shown["runs"] == (
        "int_to_scsilun itself: ftrace holds its mcount site idle: kernel.ftrace_enabled is 0"
    )
    audited = klp_debug_json("audit", *target)
    assert audited["findings"] == []
    assert not [count for count in audited["states"] if count["what"] == "armed"]


def test_they_are_patched_again(guest: Guest) -> None:
    guest.check(f"echo 1 > {SYSCTL}")
    try:
        assert guest.check("grep int_to_scsilun /proc/leaf_probe") == PATCHED
        target = ("--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)
        shown = klp_debug_json("func", "int_to_scsilun", *target)
        assert shown["runs"].startswith("patched_int_to_scsilun [leaf_patch]")
    finally:
        guest.check(f"echo 0 > {SYSCTL}")
