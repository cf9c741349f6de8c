# SPDX-License-Identifier: GPL-2.0-or-later
"""``ops`` and ``audit`` against the guest's own word: tracefs counts the ops of each function."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.command.klp_debug_cli import klp_debug_json, klp_debug_run
from tests.conftest import Captured
from vmcores.capture import play
from vmcores.guest import Guest
from vmcores.image import image
from vmcores.oracle import Oracle
from vmcores.scenario import load_scenario

pytestmark = pytest.mark.lab

TRACING = "/sys/kernel/tracing"


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    scenario = load_scenario("patched")
    with Guest(image("6.1"), "radix", memory=scenario.memory) as guest:
        play(guest, scenario)
        guest.check(f"echo 0 > {TRACING}/tracing_on")
        yield guest


@pytest.fixture(autouse=True)
def _untraced(guest: Guest) -> Iterator[None]:
    yield
    guest.check(
        f"echo nop > {TRACING}/current_tracer;"
        f" echo > {TRACING}/set_ftrace_filter; echo > {TRACING}/set_ftrace_notrace"
    )


def ops(guest: Guest) -> tuple[Any, Oracle]:
    """Return the document, after comparing its totals with what tracefs says."""
    oracle = guest.oracle()
    document = klp_debug_json("ops", "--qemu", guest.qmp_socket, "--symbols", guest.image.vmlinux)
    assert document["problems"] == []
    assert document["ftrace_enabled"] is (
        guest.check("cat /proc/sys/kernel/ftrace_enabled") == "1\n"
    )
    sites = guest.check(f"wc -l < {TRACING}/available_filter_functions")
    assert document["sites"] == int(sites)
    hooks = sum(one["hooks"] for one in document["ops"])
    assert hooks == sum(line.count for line in oracle.enabled_functions)
    for line in oracle.enabled_functions:
        if line.name in ("cmdline_proc_show", "int_to_scsilun", "vfs_read"):
            name = f"{line.name} [{line.module}]" if line.module else line.name
            assert len(users_of(document, name)) == line.count, name
    audit(guest, oracle)
    return document, oracle


def audit(guest: Guest, oracle: Oracle) -> None:
    """Check that audit finds nothing, and as many armed sites as tracefs shows functions."""
    document = klp_debug_json("audit", "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)
    assert document["findings"] == document["problems"] == []
    armed = sum(count["sites"] for count in document["states"] if count["what"] == "armed")
    assert armed == len(oracle.enabled_functions)
    # The seed's question: is the offset a constant? gcc 12: no, +4 in leaf functions, else +0xc.
    assert {(one["toc_setup"], one["offset"]) for one in document["offsets"]} == {
        (False, 4),
        (True, 12),
    }


def users_of(document: Any, function: str) -> list[str]:
    """Return the users that hook a function, by the filters alone."""
    return [
        one["user"]
        for one in document["ops"]
        if (one["all_functions"] or function in one["filter"]["functions"])
        and function not in one["notrace"]["functions"]
    ]


def test_live_patches_alone(guest: Guest) -> None:
    document, _ = ops(guest)
    assert sorted(one["patch"] for one in document["ops"]) == [
        "cmdline_patch_2",
        "leaf_patch",
        "toc_patch",
    ]
    for one in document["ops"]:
        assert one["user"] == "livepatch"
        assert one["func_symbol"] == "klp_ftrace_handler"
        assert {"ENABLED", "IPMODIFY", "PERMANENT"} <= set(one["flags"])
        assert one["hooks"] == one["filter"]["count"] == 1
        assert not one["all_functions"]


def test_a_tracer_on_a_patched_function(guest: Guest) -> None:
    guest.check(
        f"echo cmdline_proc_show > {TRACING}/set_ftrace_filter;"
        f" echo function > {TRACING}/current_tracer"
    )
    document, oracle = ops(guest)
    (line,) = (line for line in oracle.enabled_functions if line.name == "cmdline_proc_show")
    assert line.count == 2
    assert sorted(users_of(document, "cmdline_proc_show")) == ["function tracer", "livepatch"]
    (tracer,) = (one for one in document["ops"] if one["user"] == "function tracer")
    assert tracer["symbol"] == "global_ops"
    shown = klp_debug_json(
        "func", "cmdline_proc_show", "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux
    )
    assert shown["record"]["users"] == 2
    assert all(hop["ok"] for hop in shown["chain"])


def test_the_function_tracer_on_all_functions(guest: Guest) -> None:
    guest.check(f"echo function > {TRACING}/current_tracer")
    document, _ = ops(guest)
    (tracer,) = (one for one in document["ops"] if one["user"] == "function tracer")
    assert tracer["all_functions"]
    assert tracer["hooks"] == document["sites"]
    text = klp_debug_run("ops", "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)
    assert (text.status, text.err) == (0, "")
    assert "global_ops" in text.out
    assert "ftrace_enabled 1" in text.out


def test_a_notrace_filter(guest: Guest) -> None:
    guest.check(
        f"echo vfs_read > {TRACING}/set_ftrace_notrace; echo function > {TRACING}/current_tracer"
    )
    document, oracle = ops(guest)
    assert all(line.name != "vfs_read" for line in oracle.enabled_functions)
    (tracer,) = (one for one in document["ops"] if one["user"] == "function tracer")
    assert tracer["notrace"] == {"count": 1, "functions": ["vfs_read"]}
    assert tracer["hooks"] == document["sites"] - 1


def test_the_graph_tracer(guest: Guest) -> None:
    guest.check(
        f"echo vfs_read > {TRACING}/set_ftrace_filter;"
        f" echo function_graph > {TRACING}/current_tracer"
    )
    document, _ = ops(guest)
    assert "function graph tracer" in users_of(document, "vfs_read")


def test_no_ops(captured: Captured) -> None:
    captures = captured("unpatched")
    document = klp_debug_json("ops", "-c", captures.path("kdump"), "-s", captures.image.vmlinux)
    assert document["ops"] == []
    assert document["sites"] > 10000
