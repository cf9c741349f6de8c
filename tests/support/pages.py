# SPDX-License-Identifier: GPL-2.0-or-later
"""A page built by hand that has something in every place, and the same with other text."""

import dataclasses
import typing
from typing import Any

from klp_debug.result.address import Address
from klp_debug.result.common import Finding, Problem
from klp_debug.result.func import Hop
from klp_debug.result.list import Patch, PatchedFunction, PatchedObject
from klp_debug.result.page import ReportPage, SiteOffsets
from tests.unit.render.test_bt import SLEEPER
from tests.unit.render.test_func import PATCHED, SITE_HOP, STUB_HOP
from tests.unit.render.test_report import SEED
from tests.unit.render.test_transition import STALLED

DIALECT = "mprofile-kernel (2 instructions)"


def hop(kind: Any, address: int) -> Hop:
    return Hop(
        kind=kind,
        address=Address(address),
        symbol=f"symbol of {kind}",
        ok=True,
        bytes="7c0802a6",
        what=f"is {kind}",
        next=None,
    )


AFTER = tuple(
    hop(kind, 0xC000000000100000 + 16 * number)
    for number, kind in enumerate(
        ("trampoline", "dispatch", "ops", "handler", "winner", "replacement")
    )
)
BROKEN = dataclasses.replace(PATCHED, chain=(SITE_HOP, STUB_HOP, *AFTER))
WHOLE = dataclasses.replace(
    BROKEN,
    name="cmdline_proc_show",
    module=None,
    chain=(SITE_HOP, dataclasses.replace(STUB_HOP, ok=True), *AFTER),
)
ENTRY = PatchedFunction(
    old_name="int_to_scsilun",
    sympos=1,
    old_func=Address(0xC0080000001401E0),
    new_func=Address(0xC008000000230000),
    nop=False,
    patched=True,
    transition=True,
    winner=False,
    stack_position=1,
    runs="overridden",
    overridden_by="other_patch",
    new_symbol="patched_int_to_scsilun",
    address=Address(0xC008000000250158),
)
PATCHES = (
    Patch(
        name="leaf_patch",
        enabled=True,
        replace=True,
        forced=True,
        transition="patching",
        stack_order=1,
        objects=(
            PatchedObject(
                name="scsi_common",
                patched=True,
                loaded=True,
                functions=(ENTRY, ENTRY),
                address=Address(0xC008000000250100),
            ),
            PatchedObject(
                name="absent",
                patched=False,
                loaded=False,
                functions=(),
                address=Address(0xC008000000250128),
            ),
        ),
        address=Address(0xC008000000250000),
    ),
    Patch(
        name="empty_patch",
        enabled=False,
        replace=False,
        forced=False,
        transition=None,
        stack_order=2,
        objects=(),
        address=Address(0xC008000000260000),
    ),
)
assert SEED.crash is not None
PAGE = ReportPage(
    report=dataclasses.replace(
        SEED,
        crash=dataclasses.replace(SEED.crash, trace=SLEEPER, log=("Oops: line 1", "line 2")),
        findings=(
            Finding(
                id="a-warning",
                severity="warning",
                subject="g+0x4",
                evidence="its bytes",
                meaning="Odd.",
                action="Look.",
            ),
            *SEED.findings,
        ),
        patches=PATCHES,
    ),
    functions=(WHOLE, BROKEN),
    transition=STALLED,
    offsets=(
        SiteOffsets(dialect=DIALECT, toc_setup=False, offset=4, sites=1704, armed=1),
        SiteOffsets(dialect=DIALECT, toc_setup=True, offset=12, sites=13442, armed=2),
        SiteOffsets(dialect=DIALECT, toc_setup=False, offset=None, sites=155, armed=0),
    ),
    problems=(Problem("klp_patch at 0x1", "cannot be read"),),
)


def with_text(value: Any, text: str, annotation: Any = None) -> Any:
    """Return a result with every string of it replaced, but for those of a few known words."""
    if isinstance(value, str):
        return text if annotation is None or _holds_any_string(annotation) else value
    if isinstance(value, tuple):
        return tuple(with_text(item, text, annotation) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = typing.get_type_hints(type(value))
        changed = {
            field.name: with_text(getattr(value, field.name), text, hints[field.name])
            for field in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **changed)
    return value


def _holds_any_string(annotation: Any) -> bool:
    return annotation is str or any(_holds_any_string(a) for a in typing.get_args(annotation))
