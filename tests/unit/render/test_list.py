# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``list``."""

import dataclasses

import pytest

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.list import Patch, PatchedFunction, PatchedObject, PatchList
from tests.support.answers import HEAD, KERNEL

TOP = PatchedFunction(
    old_name="int_to_scsilun",
    sympos=0,
    old_func=Address(0xC0080000001401E0),
    new_func=Address(0xC008000000230000),
    nop=False,
    patched=True,
    transition=False,
    winner=True,
    stack_position=0,
    runs="replacement",
    overridden_by=None,
    new_symbol="patched_int_to_scsilun",
    address=Address(0xC008000000250158),
)
BELOW = dataclasses.replace(
    TOP,
    old_name="show",
    sympos=2,
    winner=False,
    stack_position=1,
    runs="overridden",
    overridden_by="second",
)
ABSENT = dataclasses.replace(
    TOP, old_func=None, patched=False, winner=False, stack_position=None, runs="not applied"
)


def obj(name: str, *functions: PatchedFunction, loaded: bool = True) -> PatchedObject:
    return PatchedObject(
        name=name,
        patched=any(function.patched for function in functions),
        loaded=loaded,
        functions=functions,
        address=Address(0xC0080000002500B0),
    )


def patch(*objects: PatchedObject, **told: object) -> Patch:
    whole = Patch(
        name="first",
        enabled=True,
        replace=False,
        forced=False,
        transition=None,
        stack_order=1,
        objects=objects,
        address=Address(0xC008000000250008),
    )
    return dataclasses.replace(whole, **told)  # type: ignore[arg-type]


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
