# SPDX-License-Identifier: GPL-2.0-or-later
"""``report`` on a crash whose dump lacks something: it says what is missing, and gives the rest."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from drgn import Program
from drgn.helpers.linux.percpu import per_cpu_ptr

from klp_debug.analysis.crash.report import report
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.report import Report
from klp_debug.result.unknown import known
from klp_debug.targets.notes import PRSTATUS_NOTE_SIZE
from klp_debug.targets.open_core_file import open_core_file
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.conftest import Captured
from tests.support.damaged import DamagedCapture
from tests.support.made_core import elf
from tests.support.sure import sure, unread, whole
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab

SECONDS = 3.0
"""What a report may take once everything is imported."""


@pytest.fixture(scope="module")
def captures(captured: Captured) -> CaptureSet:
    """A crash with two CPUs whose verdict rests on the registers of one."""
    return captured("stub_to_nowhere")


@pytest.fixture(scope="module")
def opened(captures: CaptureSet) -> DamagedCapture:
    return DamagedCapture(captures.path("kdump"), captures.image.vmlinux)


@pytest.fixture
def damaged(opened: DamagedCapture) -> Iterator[DamagedCapture]:
    target = opened.target
    yield opened
    opened.mend()
    opened.target = target


def answer(damaged: DamagedCapture) -> Report:
    said = damaged.answer("report")
    assert isinstance(said, Report)
    assert not said.clean
    return said


def wheres(said: Report) -> list[str]:
    return [problem.where for problem in said.problems]


def the_rest_is_there(said: Report, captures: CaptureSet, *, unchecked: int = 0) -> None:
    """
    What has nothing to do with the damage is as the guest said.

    :param unchecked: how many checks the damage thwarts
    """
    assert [patch.name for patch in whole(said.patches)] == [
        one.name for one in captures.oracle.patches
    ]
    assert said.audit.armed == len(captures.oracle.enabled_functions)
    assert [finding.id for finding in known(said.findings)] == ["stub-corrupt"]
    assert len(said.findings) == 1 + unchecked


def crash_note(prog: Program, cpu: int) -> int:
    return int(per_cpu_ptr(prog["crash_notes"].read_(), cpu).value_())


def without_registers(damaged: DamagedCapture, *cpus: int, notes: Path) -> None:
    """Let nothing tell the registers of these CPUs."""
    for cpu in cpus:
        damaged.put_bytes(crash_note(damaged.prog, cpu), bytes(PRSTATUS_NOTE_SIZE))
    notes.write_bytes(elf())
    damaged.target = dataclasses.replace(damaged.target, core=open_core_file(notes))


def crashed_on(captures: CaptureSet) -> int:
    assert captures.oops is not None
    return captures.oops.cpu


def test_undamaged(damaged: DamagedCapture, captures: CaptureSet) -> None:
    said = answer(damaged)
    assert (said.verdict.id, said.problems) == ("wild-branch", ())
    the_rest_is_there(said, captures)


def test_no_prstatus(damaged: DamagedCapture, captures: CaptureSet, tmp_path: Path) -> None:
    without_registers(damaged, 0, 1, notes=tmp_path / "core")
    said = answer(damaged)
    assert {"registers of CPU 0", "registers of CPU 1"} <= set(wheres(said))
    assert said.verdict.blame == "cannot be told"
    crash = sure(said.crash)
    assert captures.oops is not None
    assert (crash.message, crash.cpu) == (captures.oops.message, captures.oops.cpu)
    assert unread(crash.registers).reason.startswith(f"registers of CPU {crash.cpu}: ")
    the_rest_is_there(said, captures)


def test_no_registers_of_the_cpu_that_crashed(
    damaged: DamagedCapture, captures: CaptureSet, tmp_path: Path
) -> None:
    cpu = crashed_on(captures)
    without_registers(damaged, cpu, notes=tmp_path / "core")
    said = answer(damaged)
    assert wheres(said) == [f"registers of CPU {cpu}"]
    assert said.verdict.what[0].startswith(
        "Whether live patching is involved in this crash cannot be told: registers of CPU"
    )
    the_rest_is_there(said, captures)


def test_no_registers_of_the_other_cpu(
    damaged: DamagedCapture, captures: CaptureSet, tmp_path: Path
) -> None:
    """They are missed, and the verdict does not need them."""
    cpu = 1 - crashed_on(captures)
    without_registers(damaged, cpu, notes=tmp_path / "core")
    said = answer(damaged)
    assert wheres(said) == [f"registers of CPU {cpu}"]
    assert said.verdict.id == "wild-branch"
    the_rest_is_there(said, captures)


def test_a_log_that_cannot_be_read(damaged: DamagedCapture, captures: CaptureSet) -> None:
    ring = damaged.prog["prb"].read_()
    damaged.remove(ring.value_(), 64)
    said = answer(damaged)
    assert wheres(said) == ["log of the kernel"]
    assert said.verdict.id == "wild-branch"
    crash = sure(said.crash)
    assert unread(crash.message).reason.startswith("log of the kernel: ")
    assert captures.oops is not None
    assert int(sure(crash.registers).nip) == captures.oops.nip
    # Whether the log has an oops of a patch that the kernel survived.
    the_rest_is_there(said, captures, unchecked=1)


@pytest.mark.parametrize("next_task", [0, 0xDEAD000000000100, 0xC00000000000FFF8])
def test_a_damaged_list_of_tasks(
    damaged: DamagedCapture, captures: CaptureSet, next_task: int
) -> None:
    damaged.put(damaged.prog["init_task"].tasks.next.address_of_().value_(), next_task)
    said = answer(damaged)
    assert "list of tasks" in wheres(said)
    assert said.verdict.id == "wild-branch"
    the_rest_is_there(said, captures)


def test_a_list_of_tasks_without_end(damaged: DamagedCapture, captures: CaptureSet) -> None:
    """The first task is the next of itself."""
    tasks = damaged.prog["init_task"].tasks
    damaged.put(tasks.next.value_(), tasks.next.value_())
    said = answer(damaged)
    assert "list of tasks" in wheres(said)
    the_rest_is_there(said, captures)


def test_which_cpu_crashed_cannot_be_told(damaged: DamagedCapture, captures: CaptureSet) -> None:
    damaged.put_bytes(damaged.prog["panic_cpu"].address_of_().value_(), (77).to_bytes(4, "little"))
    said = answer(damaged)
    assert wheres(said) == ["which CPU crashed"]
    the_rest_is_there(said, captures)


@pytest.mark.parametrize("kernel", ["6.1", "6.12", "7.2"])
def test_it_takes_no_longer_than_promised(captured: Captured, kernel: str) -> None:
    taken = captured("seed_crash", kernel=kernel)
    options = TargetOptions(core=taken.path("kdump"), symbols=(taken.image.vmlinux,))
    times = []
    for _ in range(3):
        start = time.process_time()
        assert report(KernelView(open_target(options))).verdict.id == "toc-stub-on-leaf"
        times.append(time.process_time() - start)
    assert min(times) < SECONDS
