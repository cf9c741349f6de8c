# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``list`` built by hand."""

import dataclasses

from klp_debug.result.address import Address
from klp_debug.result.list import Patch, PatchedFunction, PatchedObject

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
