# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of ``report``, built by hand: it has something in every place."""

import dataclasses
from typing import Any

from klp_debug.result.address import Address
from klp_debug.result.finding import Finding
from klp_debug.result.function import Hop
from klp_debug.result.page import ReportPage, SiteOffsets
from klp_debug.result.patches import Patch, PatchedFunction, PatchedObject
from klp_debug.result.problem import Problem
from tests.support.answers.bt import SLEEPER
from tests.support.answers.func import PATCHED, SITE_HOP, STUB_HOP
from tests.support.answers.report import SEED
from tests.support.answers.transition import STALLED

DIALECT = "mprofile-kernel (2 instructions)"


def hop(kind: Any, address: int) -> Hop:
    return Hop(kind, Address(address), f"symbol of {kind}", True, "7c0802a6", f"is {kind}", None)


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
            PatchedObject("scsi_common", True, True, (ENTRY, ENTRY), Address(0xC008000000250100)),
            PatchedObject("absent", False, False, (), Address(0xC008000000250128)),
        ),
        address=Address(0xC008000000250000),
    ),
    Patch("empty_patch", False, False, False, None, 2, (), Address(0xC008000000260000)),
)
assert SEED.crash is not None
PAGE = ReportPage(
    report=dataclasses.replace(
        SEED,
        crash=dataclasses.replace(SEED.crash, trace=SLEEPER, log=("Oops: line 1", "line 2")),
        findings=(
            Finding("a-warning", "warning", "g+0x4", "its bytes", "Odd.", "Look."),
            *SEED.findings,
        ),
        patches=PATCHES,
    ),
    functions=(WHOLE, BROKEN),
    transition=STALLED,
    offsets=(
        SiteOffsets(DIALECT, toc_setup=False, offset=4, sites=1704, armed=1),
        SiteOffsets(DIALECT, toc_setup=True, offset=12, sites=13442, armed=2),
        SiteOffsets(DIALECT, toc_setup=False, offset=None, sites=155, armed=0),
    ),
    problems=(Problem("klp_patch at 0x1", "cannot be read"),),
)
