# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``list`` built by hand."""

import dataclasses

from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.list import (
    Patch,
    PatchedFunction,
    PatchedObject,
    PatchList,
    RetiredPatch,
    TaskInside,
)
from klp_debug.result.patch_details import (
    LongList,
    ObjectDetails,
    PatchDetails,
    ShadowVariable,
)
from klp_debug.result.refusal import Refusal
from klp_debug.result.unknown import Unknown, known
from tests.support.answers.kernel import KERNEL

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


def obj(name: str, *functions: PatchedFunction | Unknown, loaded: bool = True) -> PatchedObject:
    return PatchedObject(
        name=name,
        patched=any(function.patched for function in known(functions)),
        loaded=loaded,
        functions=functions,
        address=Address(0xC0080000002500B0),
    )


def patch(*objects: PatchedObject | Unknown, **told: object) -> Patch:
    whole = Patch(
        name="first",
        enabled=True,
        replace=False,
        replace_set=None,
        forced=False,
        transition=None,
        stack_order=1,
        objects=objects,
        address=Address(0xC008000000250008),
    )
    return dataclasses.replace(whole, **told)  # type: ignore[arg-type]


REFUSED = Refusal(
    seconds=12.5,
    line="livepatch: failed to register ftrace handler for function 'show' (-16)",
    means="Only one may.",
    do="Remove the other.",
    in_the_way="now: kprobes",
)
UNREAD = Unknown("klp_func 0xc008000000250158 of first: page 0x3ee0000 is not in the dump")
_HALF_READ = dataclasses.replace(
    TOP,
    winner=UNREAD,
    stack_position=UNREAD,
    runs=UNREAD,
    overridden_by=UNREAD,
    new_symbol=UNREAD,
    disarmed=UNREAD,
)
UNKNOWN = PatchList(
    KERNEL,
    (
        patch(obj("scsi_common", _HALF_READ, UNREAD), UNREAD, transition=UNREAD),
        patch(UNREAD, obj("vmlinux", dataclasses.replace(BELOW, overridden_by=UNREAD))),
        UNREAD,
    ),
    UNREAD,
    (REFUSED, UNREAD),
    (Problem("klp_func 0xc008000000250158 of first", "page 0x3ee0000 is not in the dump"),),
    (
        RetiredPatch(
            name="second",
            references=UNREAD,
            inside=(TaskInside(pid=52, comm=UNREAD, frame="show+0x8 [second]"), UNREAD),
        ),
        UNREAD,
    ),
    LongList(
        taint=UNREAD,
        patches=(
            PatchDetails(
                name="first",
                version=UNREAD,
                srcversion=UNREAD,
                taints=UNREAD,
                enabled_at=UNREAD,
                objects=(ObjectDetails(name="ext4", callbacks=(), applied_at=UNREAD), UNREAD),
            ),
            UNREAD,
        ),
        shadow_variables=(
            ShadowVariable(
                id=Address(0x51AD), object=Address(0x1000), data=Address(0x2000), room=UNREAD
            ),
            UNREAD,
        ),
    ),
)
"""It has something unknown in every place where that can be."""
