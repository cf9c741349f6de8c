# SPDX-License-Identifier: GPL-2.0-or-later
"""Tasks inside of a patch that is applied no more."""

from klp_debug.analysis.audit.retired_tasks import retired_findings
from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.result.common import Finding
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel

STEP = 0x24


def inside(kernel: FakeKernel) -> list[Finding | Unknown]:
    """Return the findings, a task being in the replacement of a patch that left the list."""
    patch = kernel.patch("gone", kernel.function("f"))
    kernel.link(kernel.klp_patches)
    kernel.link(kernel.klp_ops)
    schedule = kernel.function("schedule", traced=False)
    task = kernel.task(7, "cat")
    task.sleeps(schedule.address + STEP, patch.replacements["f"].address + STEP)
    patch.module.struct["refcnt.counter"] = 2
    view = kernel.view()
    trace = TaskTracer(view).trace(task.struct.object)
    return list(retired_findings(view, [trace]))


def test_it_is_named_with_its_frame_and_who_holds_the_module() -> None:
    (finding,) = inside(FakeKernel())
    assert isinstance(finding, Finding)
    assert (finding.id, finding.subject) == ("task-in-retired-patch", "cat (7)")
    assert finding.evidence == "it is in gone_f+0x24 [gone]; the kernel has 1 reference to gone"


def test_a_patch_that_is_applied_is_none() -> None:
    kernel = FakeKernel()
    patch = kernel.patch("first", kernel.function("f"))
    task = kernel.task(7, "cat")
    task.sleeps(patch.replacements["f"].address + STEP)
    view = kernel.view()
    assert list(retired_findings(view, [TaskTracer(view).trace(task.struct.object)])) == []
