# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``site``."""

import dataclasses

import pytest

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address, Word
from klp_debug.result.common import Finding, Problem
from klp_debug.result.site import StubResult
from klp_debug.result.unknown import Unknown
from tests.support.answers.site import ARMED, OPS, PATH, SITE, STUB
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden


def test_armed(golden: Golden) -> None:
    golden("site", "ordinary", as_text(ARMED))


def test_idle_and_out_of_line(golden: Golden) -> None:
    """The site is the function's first instruction, and its stub is in the record."""
    site = dataclasses.replace(
        SITE,
        offset=0,
        state="idle",
        word=Word(0x60000000),
        target=None,
        dialect="out-of-line",
    )
    record = dataclasses.replace(
        ARMED.record, flags=(), users=0, ool_stub=Address(0xC000000000008010)
    )
    answer = dataclasses.replace(
        ARMED,
        function="vfs_read",
        module=None,
        leaf_without_toc=False,
        site=site,
        record=record,
        path=(),
        stubs=(),
        ops=(),
    )
    golden("site", "empty", as_text(answer))


def test_findings_come_before_the_facts(golden: Golden) -> None:
    finding = Finding(
        id="stub-corrupt",
        severity="error",
        subject="stub of scsi_common",
        evidence="0xc0",
        meaning="Meant.",
        action="Do it.",
    )
    golden("site", "finding", as_text(dataclasses.replace(ARMED, findings=(finding,))))


def test_problems(golden: Golden) -> None:
    """No symbol covers the site, its stub is not one, and its ops are not livepatch's."""
    odd = dataclasses.replace(STUB, owner=None, target=None, needs=None, magic=None)
    tracer = dataclasses.replace(OPS, symbol="global_ops", user=None, patch=None, func_symbol=None)
    answer = dataclasses.replace(
        ARMED,
        function=None,
        module=None,
        leaf_without_toc=False,
        stubs=(odd, dataclasses.replace(STUB, disagreement="its magic is 0x0, not 0x73747562")),
        ops=(tracer,),
        problems=(Problem("stub at 0xc008000000140640", "cannot be read"), Problem("x", "y")),
    )
    golden("site", "problems", as_text(answer))


def test_hostile_names(golden: Golden) -> None:
    finding = Finding(
        id="id",
        severity="error",
        subject="subject",
        evidence="evidence",
        meaning="Meant.",
        action="Do it.",
    )
    site = dataclasses.replace(SITE, target_symbol="ftrace_caller")
    every = dataclasses.replace(ARMED, site=site, findings=(finding,))
    golden("site", "hostile-names", as_text(with_names(every, HOSTILE)))


def test_long_names(golden: Golden) -> None:
    answer = dataclasses.replace(
        ARMED,
        function=LONG,
        module=LONG,
        stubs=(dataclasses.replace(STUB, owner=LONG, target_symbol=LONG),),
        ops=(dataclasses.replace(OPS, patch=LONG, func_symbol=LONG),),
    )
    golden("site", "long-names", as_text(answer))


@pytest.mark.parametrize(
    ("stub", "cells"),
    [
        (
            dataclasses.replace(
                STUB,
                needs="r2",
                target_symbol=None,
                disagreement="its magic is 0x0, not 0x73747562",
            ),
            [
                "its module's TOC in r2",
                "c00000000005d94c",
                "its magic is 0x0, not 0x73747562",
            ],
        ),
        (
            dataclasses.replace(STUB, owner=None, needs=None, target=None, magic=None),
            ["nothing", "cannot be told", "none"],
        ),
        (
            dataclasses.replace(STUB, needs="kernel-base"),
            ["the kernel's base in the paca", "ftrace_caller", "agree"],
        ),
    ],
    ids=["r2", "vmlinux", "pcrel"],
)
def test_stubs(stub: StubResult, cells: list[str]) -> None:
    lines = as_text(dataclasses.replace(ARMED, stubs=(stub,))).splitlines()
    (row,) = [line for line in lines if line.startswith("c008000000140640")]
    assert row.split("  ")[1].strip() == (stub.owner or "vmlinux")
    assert [cell for cell in row.split("  ") if cell][-3:] == cells


def test_what_could_not_be_followed_is_no_clean_verdict() -> None:
    said = "no finding, but not everything could be followed"
    broken = dataclasses.replace(PATH[1], ok=False)
    assert said in as_text(dataclasses.replace(ARMED, path=(PATH[0], broken)))
    said = "no finding, incomplete: not everything could be read"
    assert said in as_text(dataclasses.replace(ARMED, problems=(Problem("x", "y"),)))
    unread = Unknown("ftrace_ops_list: not in the dump")
    assert said in as_text(dataclasses.replace(ARMED, findings=(unread,)))
    assert said in as_text(dataclasses.replace(ARMED, path=(PATH[0], unread)))


def test_no_symbol_and_hostile_names() -> None:
    assert "\na site in no symbol  c0080000001401e4\n" in as_text(
        dataclasses.replace(ARMED, function=None, module=None)
    )
    assert "\n\\x1b[2J+0x4 [\\n]  c00800" in as_text(
        dataclasses.replace(ARMED, function="\x1b[2J", module="\n")
    )


def test_who_holds_it_by_name(golden: Golden) -> None:
    kprobes = dataclasses.replace(
        OPS,
        user="kprobes",
        patch=None,
        held_by=("kprobe on f+0x0, event kprobes/mine", Unknown("kprobe_table: is cut")),
    )
    golden("site", "held-by", as_text(dataclasses.replace(ARMED, ops=(kprobes, OPS))))
