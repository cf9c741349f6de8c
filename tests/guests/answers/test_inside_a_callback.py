# SPDX-License-Identifier: GPL-2.0-or-later
"""
A task inside the callback of livepatch: its stack leads on through ftrace's own frames.

The traced function is vmlinux's and has no frame yet, so that unwind information alone would find
it again and again. Who calls it is told by the guest itself: by the function tracer's own stacks.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.gdb_process import gdb_run, klp_into
from tests.support.gdb_target import stub
from tests.support.tier import by_tier
from vmcores.build.recipe import guest_kernels
from vmcores.guest.guest import Guest
from vmcores.scenarios.played_guest import played_guest
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

TRACING = "/sys/kernel/tracing"
TRACED = "cmdline_proc_show"
CALL = "cat /proc/cmdline > /dev/null"
NO_FRAME = ("arch_ftrace_ops_list_func", "ftrace_call", "ftrace_caller", "klp_ftrace_handler")


@pytest.fixture(scope="module", params=by_tier(covering=["6.1", "7.2"], full=guest_kernels()))
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """Return a guest with a patched function that also the function tracer may be on."""
    with played_guest(load_scenario("patched"), request.param, "radix") as guest:
        guest.check(f"echo 0 > {TRACING}/tracing_on; echo {TRACED} > {TRACING}/set_ftrace_filter")
        yield guest


@pytest.fixture
def callers(guest: Guest) -> list[str]:
    """Return what calls the function, as the guest's tracer tells: ``name+0xoffset``."""
    guest.check(
        f"cd {TRACING}; echo 1 > options/func_stack_trace; echo 1 > options/sym-offset;"
        f" echo function > current_tracer; echo > trace; echo 1 > tracing_on; {CALL};"
        " echo 0 > tracing_on; echo 0 > options/func_stack_trace"
    )
    lines = guest.check(f"cat {TRACING}/trace").splitlines()
    guest.check(f"echo nop > {TRACING}/current_tracer")
    told = [line.partition("=>")[2].split()[0] for line in lines if "=>" in line]
    names = [name.partition("/")[0] for name in told]
    (first,) = (at for at, name in enumerate(names) if name.startswith(f"{TRACED}+"))
    assert len(names) - first > 5
    return names[first + 1 :]


@pytest.mark.parametrize("tracer", ["nop", "function"])
def test_the_stack_has_its_callers(
    guest: Guest, callers: list[str], tracer: str, tmp_path: Path
) -> None:
    """With a tracer besides, the trampoline calls livepatch's callback by ftrace's list."""
    guest.check(f"echo {tracer} > {TRACING}/current_tracer")
    guest.check(f"(while sleep 1; do {CALL}; done) & echo $! > /tmp/caller")
    answer = tmp_path / "answer"
    gdb_run(
        *stub(guest.image.vmlinux, guest.gdb_socket),
        "hbreak *(klp_ftrace_handler+0x60)",
        "continue",
        *klp_into(answer, "klp bt cat --json"),
        "delete",
        "detach",
    )
    guest.check(f"kill $(cat /tmp/caller); echo nop > {TRACING}/current_tracer")
    document: Any = json.loads(answer.read_text())
    assert document["problems"] == []
    (task,) = (one for one in document["tasks"] if one["running"])
    shown = [frame["symbol"] for frame in task["frames"] if not frame["inlined"]]
    assert shown[0] == "klp_ftrace_handler+0x60"
    (number,) = (at for at, symbol in enumerate(shown) if symbol.startswith(f"{TRACED}+"))
    assert {symbol.partition("+")[0] for symbol in shown[:number]} <= set(NO_FRAME)
    assert shown[number + 1 :][: len(callers)] == callers
