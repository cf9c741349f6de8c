# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``list``."""

import dataclasses

import pytest

from klp_debug.render.as_text import as_text
from klp_debug.result.patches import Patch, PatchList
from klp_debug.result.problem import Problem
from tests.support.answers.kernel import HEAD, KERNEL
from tests.support.answers.list import ABSENT, BELOW, TOP, obj, patch


def text(*patches: Patch, problems: tuple[Problem, ...] = ()) -> str:
    return as_text(PatchList(KERNEL, patches, problems))


def test_patches() -> None:
    scsi = obj("scsi_common", TOP, BELOW)
    absent = obj("ext4", ABSENT, loaded=False)
    empty = obj("vmlinux")
    assert (
        text(patch(scsi, absent), patch(empty, name="second", enabled=False), patch(name="third"))
        == f"""\
{HEAD}
PATCH   STATE     OBJECT             FUNCTION        ORIGINAL          REPLACEMENT       STACK        RUNS
first   enabled   scsi_common        int_to_scsilun  c0080000001401e0  c008000000230000  top          replacement
                                     show,2          c0080000001401e0  c008000000230000  1 below top  overridden by second
                  ext4 (not loaded)  int_to_scsilun  -                 c008000000230000  -            not applied
second  disabled  vmlinux            (no functions)
third   enabled   (no objects)

3 patches, 3 functions; no transition in progress"""  # noqa: E501
    )


def test_a_transition() -> None:
    moving = dataclasses.replace(TOP, runs="in transition", transition=True, nop=True)
    under = dataclasses.replace(BELOW, sympos=1, runs="in transition")
    vmlinux = obj("vmlinux", moving, under)
    replacing = patch(vmlinux, transition="patching", replace=True, forced=True)
    assert (
        text(replacing)
        == f"""\
{HEAD}
PATCH  STATE                      OBJECT   FUNCTION        ORIGINAL          REPLACEMENT       STACK        RUNS
first  patching, replace, forced  vmlinux  int_to_scsilun  c0080000001401e0  (nop)             top          original in tasks already switched
                                           show            c0080000001401e0  c008000000230000  1 below top  tasks not yet switched to second

1 patch, 2 functions; first is patching"""  # noqa: E501
    )


@pytest.mark.parametrize(
    ("problems", "said"),
    [
        ((), "no live patch is loaded"),
        (
            (Problem("list klp_patches", "is cut"),),
            "no live patch could be read\n\nproblems\n    list klp_patches: is cut",
        ),
    ],
    ids=["none", "unreadable"],
)
def test_no_patches(problems: tuple[Problem, ...], said: str) -> None:
    assert text(problems=problems) == f"{HEAD}\n{said}"


def test_hostile_name() -> None:
    assert "\\x1b[2J" in text(patch(name="\x1b[2J"))
    assert text(patch(name="\x1b[2J", transition="unpatching")).endswith("; \\x1b[2J is unpatching")
