# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``arm``, ``disarm`` and ``undo`` built by hand."""

import dataclasses

from klp_debug.result.address import Address
from klp_debug.result.control import Change, Objection, PlannedWrite
from tests.support.answers.bt import SLEEPER
from tests.support.answers.kernel import KERNEL

WRITE = PlannedWrite(
    address=Address(0xC000000002E40120),
    what="klp_ops.fops.func",
    function="int_to_scsilun [scsi_common]",
    patch="leaf_patch",
    mechanism="ops",
    size=8,
    old=Address(0xC00000000013B5E0),
    new=Address(0xC00000000005DA20),
    old_means="klp_ftrace_handler",
    new_means="ftrace_stub",
    why="its ftrace_ops does nothing: the original runs",
)
DONE = Change(
    kernel=KERNEL,
    action="disarm",
    subject="leaf_patch",
    outcome="done",
    reason=None,
    writes=(WRITE,),
    skipped=("dummy [not_loaded]: not patched now: its object is not loaded, or the patch is off",),
    objections=(),
    forced=False,
    notes=("Patches that are loaded on these functions meanwhile do not run either.",),
    operation=3,
    problems=(),
)
INSIDE = Objection(
    "task-inside",
    "cat (52) is inside patched_int_to_scsilun [leaf_patch], which would be switched",
    dataclasses.replace(SLEEPER, frames=SLEEPER.frames[1:2], livepatch_stack=()),
)
