# SPDX-License-Identifier: GPL-2.0-or-later
"""The texts of ``status`` and ``journal``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.control import HeldFunction, Journal, OperationReport, OperationWrite, Status
from tests.support.answers import HEAD, KERNEL
from tests.unit.render.test_change import WRITE

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
        ),
        HeldFunction(
            patch="toc_patch",
            function="scsi_set_sense_information [scsi_common]",
            mechanism="nop",
            operation=None,
        ),
    ),
    unfinished=(),
    in_force=(OPERATION,),
    other_boots=("/state/9bb022abbd13581e-6e61fd6b4d500b67.jsonl",),
    problems=(),
)
TABLE = (
    "    NOW   ADDRESS           FIELD              FUNCTION                      BY   OLD"
    "                                    NEW                             SO THAT\n"
    "    held  c000000002e40120  klp_ops.fops.func  int_to_scsilun [scsi_common]  ops"
    "  c00000000013b5e0 (klp_ftrace_handler)  c00000000005da20 (ftrace_stub)"
    "  its ftrace_ops does nothing: the original runs"
)


def test_what_is_held() -> None:
    assert (
        as_text(STATUS)
        == f"""\
{HEAD}
2 functions held disarmed

PATCH       FUNCTION                                  HELD BY  OPERATION
leaf_patch  int_to_scsilun [scsi_common]              ops      1
toc_patch   scsi_set_sense_information [scsi_common]  nop      not of this journal

boot          4e0f1a5d54b4e7ad
journal       /state/9bb022abbd13581e-4e0f1a5d54b4e7ad.jsonl
in force      operation 1
another boot  /state/9bb022abbd13581e-6e61fd6b4d500b67.jsonl was left in force; that boot is not \
this one"""
    )
    assert not STATUS.clean


def test_nothing_is_held() -> None:
    nothing = dataclasses.replace(
        STATUS, held=(), in_force=(), other_boots=(), journal_exists=False
    )
    assert (
        as_text(nothing)
        == f"""\
{HEAD}
no debugger holds a patch disarmed

boot      4e0f1a5d54b4e7ad
journal   /state/9bb022abbd13581e-4e0f1a5d54b4e7ad.jsonl (none yet)
in force  nothing"""
    )
    assert nothing.clean


def test_what_was_cut_short() -> None:
    cut = dataclasses.replace(OPERATION, result="unfinished", in_force=False, forced=())
    text = as_text(dataclasses.replace(STATUS, unfinished=(cut,)))
    assert (
        f"""
CUT SHORT: operation 1, disarm leaf_patch, of 2026-11-24T14:34:04.149+00:00; `klp-debug undo` \
finishes it
{TABLE}
"""
        in text
    )


def test_the_journal() -> None:
    undone = dataclasses.replace(
        OPERATION, number=2, action="undo", undoes=(1,), in_force=False, forced=(), writes=()
    )
    answer = Journal(
        kernel=KERNEL,
        boot="4e0f1a5d54b4e7ad",
        path=STATUS.journal,
        operations=(OPERATION, undone),
        problems=(),
    )
    assert (
        as_text(answer)
        == f"""\
{HEAD}
boot 4e0f1a5d54b4e7ad: /state/9bb022abbd13581e-4e0f1a5d54b4e7ad.jsonl

1  2026-11-24T14:34:04.149+00:00  disarm leaf_patch: done, in force, forced over task-inside
{TABLE}

2  2026-11-24T14:34:04.149+00:00  undo leaf_patch: done, takes back 1"""
    )
    assert answer.clean
    none = dataclasses.replace(answer, operations=(), boot=None)
    assert as_text(none).endswith("\n\nnothing was written to this boot of the kernel")
    assert not dataclasses.replace(
        answer, operations=(dataclasses.replace(undone, result="unfinished"),)
    ).clean
