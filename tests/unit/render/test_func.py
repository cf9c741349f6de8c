# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``func``."""

import dataclasses
from typing import Literal

import pytest

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.func import Namesake
from tests.support.answers.func import (
    CUT,
    ENTRY,
    MFLR,
    PATCHED,
    RECORD,
    SITE,
    SITE_HOP,
    STUB_HOP,
    UNKNOWN,
    UNPATCHED,
)
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden
from tests.support.sure import sure


def test_unpatched(golden: Golden) -> None:
    golden("func", "unpatched", as_text(UNPATCHED))


def test_patched(golden: Golden) -> None:
    """A prefixed instruction has two words; a broken link of the chain says so."""
    golden("func", "ordinary", as_text(PATCHED))


@pytest.mark.parametrize(
    ("toc_setup", "leaf", "said"),
    [
        (
            "r12",
            False,
            "sets its TOC from r12 at its global entry point = c000000000798000",
        ),
        (
            "absolute",
            False,
            "sets its TOC to a constant at its global entry point = c000000000798000",
        ),
        ("pcrel", False, "addresses its data relative to the PC: needs no TOC"),
        ("none", False, "sets no TOC: in r2 is its caller's"),
    ],
)
def test_toc(toc_setup: Literal["r12", "absolute", "pcrel", "none"], leaf: bool, said: str) -> None:
    entry = dataclasses.replace(ENTRY, toc_setup=toc_setup, toc=Address(0xC000000000798000))
    answer = dataclasses.replace(PATCHED, entry=entry, leaf_without_toc=leaf)
    assert as_text(answer).splitlines()[4] == said


def test_no_site(golden: Golden) -> None:
    """Nobody calls it a leaf function's site then, since there is none."""
    answer = dataclasses.replace(
        UNPATCHED,
        module=None,
        site=None,
        no_site="it is notrace",
        record=None,
        listing=(MFLR,),
        problems=(Problem("x", "y"),),
    )
    golden("func", "problems", as_text(answer))


def test_a_function_without_code(golden: Golden) -> None:
    answer = dataclasses.replace(
        UNPATCHED,
        size=0,
        site=None,
        no_site="it is notrace",
        record=None,
        listing=(),
    )
    golden("func", "empty", as_text(answer))


def test_a_record_that_disagrees() -> None:
    record = dataclasses.replace(RECORD, agrees=False, users=2)
    text = as_text(dataclasses.replace(UNPATCHED, record=record))
    assert text.endswith("record  ENABLED IPMODIFY, 2 users; DISAGREES with the word at the site")


def test_hostile_names(golden: Golden) -> None:
    symbol = dataclasses.replace(SITE, target_symbol="ftrace_caller")
    every = dataclasses.replace(PATCHED, site=symbol)
    golden("func", "hostile-names", as_text(with_names(every, HOSTILE)))


def test_long_names(golden: Golden) -> None:
    hop = dataclasses.replace(SITE_HOP, symbol=f"{LONG}+0x4")
    answer = dataclasses.replace(
        PATCHED,
        name=LONG,
        module=LONG,
        chain=(hop, STUB_HOP),
        winner=dataclasses.replace(sure(PATCHED.winner), symbol=LONG),
        runs=f"{LONG} [leaf_patch]",
    )
    golden("func", "long-names", as_text(answer))


def test_what_is_unknown(golden: Golden) -> None:
    golden("func", "unknown", as_text(UNKNOWN))


def test_a_chain_that_is_cut(golden: Golden) -> None:
    golden("func", "cut", as_text(CUT))


def test_no_caller_r2_is_promised_where_the_site_is_unknown() -> None:
    text = as_text(dataclasses.replace(UNPATCHED, site=UNKNOWN.site))
    assert "whether it has a mcount site is unknown" in text
    assert "before its mcount site" not in text


def test_functions_of_its_name_in_live_patches(golden: Golden) -> None:
    others = (Namesake("kpatch_1", Address(0xC008000000300000)), Namesake("kpatch_2", Address(0x1)))
    golden("func", "namesakes", as_text(dataclasses.replace(PATCHED, namesakes=others)))
