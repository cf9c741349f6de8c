# SPDX-License-Identifier: GPL-2.0-or-later
"""Every script of drgn_scripts/, run by drgn as its header says, against the guest's own word."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Captured
from tests.support.cli import klp_debug_run
from tests.support.drgn_cli import drgn_run
from tests.support.every_kernel import on_every_kernel, on_some_kernels
from tests.support.schemas import validate
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import EnabledFunction, Oracle
from vmcores.scenarios.capture import CaptureSet
from vmcores.scenarios.played_guest import played_guest
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

SCRIPTS = Path(__file__).parents[3] / "drgn_scripts"
TRACING = "/sys/kernel/tracing"


def run(name: str, captures: CaptureSet, *words: str | Path, status: int = 0) -> str:
    """Run a script on a capture; by drgn if that opens one of them, else by `klp-debug drgn`."""
    kinds = captures.scenario.captures
    script = SCRIPTS / f"{name}.py"
    vmlinux = captures.image.vmlinux
    if "kdump" in kinds:
        ran = drgn_run("-q", "-c", captures.path("kdump"), "-s", vmlinux, script, *words)
    else:
        path = captures.path(kinds[0])
        ran = klp_debug_run("drgn", "-c", path, "-s", vmlinux, script, *words)
    assert (ran.status, ran.err) == (status, "")
    return ran.out


def named(line: EnabledFunction) -> str:
    return f"{line.name} [{line.module or 'vmlinux'}]"


def blocks(out: str) -> dict[str, list[str]]:
    """Return each line that is not indented, with the indented ones below it."""
    found: dict[str, list[str]] = {}
    for line in out.splitlines():
        if not line.startswith(" "):
            current = found.setdefault(line, [])
        else:
            current.append(line.strip())
    return found


@on_some_kernels("patched", "disabled")
def test_who_wins(captures: CaptureSet) -> None:
    """Winners are what tracefs shows with IPMODIFY; /proc/cmdline was written by its winner."""
    stacks = blocks(run("who_wins", captures))
    oracle = captures.oracle
    assert set(stacks) == {named(f) for f in oracle.enabled_functions if "I" in f.flags}
    cmdline = stacks["cmdline_proc_show [vmlinux]"]
    assert cmdline[0] == f"{oracle.cmdline.strip()}: replacement"
    enabled = [patch.name for patch in oracle.patches if patch.enabled]
    below = [name for name in enabled if "cmdline" in name and name != oracle.cmdline.strip()]
    assert cmdline[1:] == [f"{name}: overridden" for name in below]


@on_every_kernel("stalled")
def test_transition_blockers(captures: CaptureSet) -> None:
    (task,) = (task for task in captures.oracle.transition_tasks if task.patch_state == 0)
    (patch,) = (patch for patch in captures.oracle.patches if patch.transition)
    found = blocks(run("transition_blockers", captures))
    assert next(iter(found)) == f"{patch.name} is patching: 1 task has not switched"
    (line,) = list(found)[1:]
    assert line.startswith(f"{task.comm} ({task.pid}): ")
    assert "leaf_probe_wait_here" in line
    assert any(name.startswith("leaf_probe_wait_here") for name in task.stack)


def test_no_transition(captured: Captured) -> None:
    assert run("transition_blockers", captured("patched")) == "no transition is under way\n"


@on_some_kernels("patched")
def test_armed_leaves(captures: CaptureSet) -> None:
    """int_to_scsilun is a leaf by the compiler's listing; a kernel without TOC has no leaves."""
    found = blocks(run("armed_leaves", captures))
    if captures.kernel == "7.2-pcrel":
        assert found == {}
        return
    assert list(found) == ["int_to_scsilun [scsi_common]"]
    assert any(f.name == "int_to_scsilun" for f in captures.oracle.enabled_functions)
    ((stub,),) = found.values()
    assert stub.startswith("scsi_common's ftrace stub")


@on_every_kernel("sleep_in_replacement")
def test_tasks_in_patched(captures: CaptureSet) -> None:
    found = blocks(run("tasks_in_patched", captures))
    sleepers = {
        f"{task.comm} ({task.pid})"
        for task in captures.oracle.tasks
        if any("sleeping_scsi_set_sense_information" in name for name in task.stack)
    }
    assert {line.partition(",")[0] for line in found} == sleepers
    assert len(sleepers) == 1
    (frames,) = found.values()
    assert any(frame.endswith("replacement, sleep_patch") for frame in frames)
    # What the replacement returns to is on the livepatch stack alone.
    assert any(frame.startswith("*") for frame in frames)


def test_compare_dumps(captured: Captured) -> None:
    """All that tracefs and sysfs of the one guest say and those of the other do not."""
    older, newer = captured("disabled", "radix", "6.1"), captured("patched", "radix", "6.1")
    vmlinux = newer.image.vmlinux
    out = run("compare_dumps", older, newer.path("kdump"), vmlinux, status=1)
    said = dict(line.split(": ", 1) for line in out.splitlines())
    assert {
        subject.removeprefix("patch "): change
        for subject, change in said.items()
        if subject.startswith("patch ")
    } == changes(patch_states(older.oracle), patch_states(newer.oracle))
    assert {
        subject.removeprefix("site of "): change.startswith("not there -> armed")
        for subject, change in said.items()
        if subject.startswith("site of ")
    } == dict.fromkeys(armed(newer.oracle) - armed(older.oracle), True)
    assert "kernel" not in said
    assert said["cmdline_proc_show [vmlinux] in cmdline_patch_1"] == "replacement -> overridden"


def patch_states(oracle: Oracle) -> dict[str, str]:
    """Return what sysfs says; a patch that was disabled is not there any more."""
    return {patch.name: "enabled" for patch in oracle.patches if patch.enabled}


def changes(older: dict[str, str], newer: dict[str, str]) -> dict[str, str]:
    return {
        name: f"{older.get(name, 'not there')} -> {newer.get(name, 'not there')}"
        for name in older.keys() | newer.keys()
        if older.get(name) != newer.get(name)
    }


def armed(oracle: Oracle) -> set[str]:
    return {named(line) for line in oracle.enabled_functions}


def test_compare_dumps_of_one_state(captured: Captured) -> None:
    """Two dumps of one guest, in two formats, differ in nothing."""
    captures = captured("patched", "radix", "6.1")
    assert run("compare_dumps", captures, captures.path("qemu-elf"), captures.image.vmlinux) == ""


def test_compare_dumps_with_bad_input(captured: Captured, tmp_path: Path) -> None:
    captures = captured("patched", "radix", "6.1")
    words = "-q", "-c", captures.path("kdump"), "-s", captures.image.vmlinux
    ran = drgn_run(*words, SCRIPTS / "compare_dumps.py", tmp_path / "absent")
    assert (ran.status, ran.err) == (1, f"{tmp_path}/absent: no such file\n")


@on_some_kernels("patched", "nolivepatch")
def test_export_state(captures: CaptureSet) -> None:
    """Each part is a document by its schema, and together they are what the guest said."""
    state: dict[str, Any] = json.loads(run("export_state", captures))
    oracle = captures.oracle
    functions = state.pop("func", [])
    for name, document in [*state.items(), *(("func", function) for function in functions)]:
        validate(document, name)
    patched = {f.name for f in oracle.enabled_functions if "I" in f.flags}
    assert {function["name"] for function in functions} == patched
    listed = state["list"]["patches"] if "list" in state else []
    assert {patch["name"] for patch in listed} == {patch.name for patch in oracle.patches}
    assert ("transition" in state) is state["report"]["kernel"]["livepatch"]
    armed_sites = [site for site in state["audit"]["listing"] if site.get("state") == "armed"]
    assert len(armed_sites) == len(oracle.enabled_functions)
    # What tells the oracle is gone in the dump.
    said = {task.pid for task in oracle.tasks if task.comm != "tell-oracle"}
    assert said <= {task["pid"] for task in state["bt"]["tasks"]}


@pytest.fixture(scope="module")
def traced() -> Iterator[Guest]:
    """A guest with live patches, a tracer and a kprobe on functions of theirs and others."""
    with played_guest(load_scenario("patched"), "6.1", "radix") as guest:
        guest.check(
            f"cd {TRACING}; echo 0 > tracing_on; echo vfs_read > set_ftrace_filter;"
            " echo int_to_scsilun >> set_ftrace_filter; echo function > current_tracer;"
            " echo 'p:probed vfs_read' >> kprobe_events; echo 1 > events/kprobes/probed/enable"
        )
        yield guest


def test_ftrace_users(traced: Guest) -> None:
    script = SCRIPTS / "ftrace_users.py"
    words = "-q", "--qemu", traced.qmp_socket, "-s", traced.image.vmlinux, script
    ran = drgn_run(*words)
    assert (ran.status, ran.err) == (0, "")
    users = dict(line.split(": ", 1) for line in ran.out.splitlines())
    lines = traced.oracle().enabled_functions
    told = {
        f"{line.name} [{line.module}]" if line.module else line.name: line.count for line in lines
    }
    assert {name: len(said.split(", ")) for name, said in users.items()} == told
    assert sorted(users["vfs_read"].split(", ")) == ["function tracer", "kprobes"]
    leaf = sorted(users["int_to_scsilun [scsi_common]"].split(", "))
    assert leaf == ["function tracer", "livepatch (leaf_patch)"]
    only = drgn_run(*words, "vfs_read")
    assert only.out == f"vfs_read: {users['vfs_read']}\n"
