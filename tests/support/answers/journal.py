# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``status`` and ``journal`` built by hand."""

from klp_debug.result.control import HeldFunction, OperationReport, OperationWrite, Status
from tests.support.answers.change import WRITE
from tests.support.answers.kernel import KERNEL

OPERATION = OperationReport(
    number=1,
    action="disarm",
    patch="leaf_patch",
    undoes=(),
    time="2026-11-24T14:34:04.149+00:00",
    result="done",
    in_force=True,
    forced=("task-inside",),
    writes=(OperationWrite(WRITE, "held"),),
)
STATUS = Status(
    kernel=KERNEL,
    boot="4e0f1a5d54b4e7ad",
    journal="/state/9bb022abbd13581e-4e0f1a5d54b4e7ad.jsonl",
    journal_exists=True,
    held=(
        HeldFunction(
            patch="leaf_patch",
            function="int_to_scsilun [scsi_common]",
            mechanism="ops",
            operation=1,
            done_for="leaf_patch",
        ),
        HeldFunction(
            patch="toc_patch",
            function="scsi_set_sense_information [scsi_common]",
            mechanism="nop",
            operation=None,
            done_for=None,
        ),
        HeldFunction(
            patch="cumulative_patch_2",
            function="cmdline_proc_show",
            mechanism="ops",
            operation=2,
            done_for="cumulative_patch_1",
        ),
    ),
    unfinished=(),
    in_force=(OPERATION,),
    other_boots=("/state/9bb022abbd13581e-6e61fd6b4d500b67.jsonl",),
    problems=(),
)
