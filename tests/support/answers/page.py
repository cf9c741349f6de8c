# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of ``report``, built by hand: it has something in every place."""

import dataclasses
from typing import Any

from klp_debug.result.address import Address
from klp_debug.result.common import Finding, Problem
from klp_debug.result.func import Hop
from klp_debug.result.list import Patch, PatchedFunction, PatchedObject
from klp_debug.result.page import ReportPage, SiteOffsets
from klp_debug.result.unknown import AtLeast, Unknown
from tests.support.answers.func import CUT, PATCHED, SITE_HOP, STUB_HOP
from tests.support.answers.func import UNKNOWN as UNKNOWN_FUNC
from tests.support.answers.list import UNKNOWN as UNKNOWN_LIST
from tests.support.answers.report import CRASH, SEED
from tests.support.answers.report import UNKNOWN as UNKNOWN_REPORT
from tests.support.answers.transition import STALLED

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
        replace_set=None,
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
        replace_set=None,
        forced=False,
        transition=None,
        stack_order=2,
        objects=(),
        address=Address(0xC008000000260000),
    ),
)
PAGE = ReportPage(
    report=dataclasses.replace(
        SEED,
        crash=dataclasses.replace(CRASH, log=("Oops: line 1", "line 2")),
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

UNREAD = Unknown("list klp_ops: page 0x3ee0000 is not in the dump")
UNKNOWN = dataclasses.replace(
    PAGE,
    report=dataclasses.replace(UNKNOWN_REPORT, patches=UNKNOWN_LIST.patches),
    functions=(CUT, UNKNOWN_FUNC, UNREAD),
    offsets=(
        SiteOffsets(
            dialect=DIALECT,
            toc_setup=False,
            offset=4,
            sites=AtLeast(1704, UNREAD.reason),
            armed=AtLeast(0, UNREAD.reason),
        ),
        UNREAD,
    ),
)
"""It has something unknown in every place where that can be."""
