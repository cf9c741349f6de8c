# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``site``."""

import dataclasses

import pytest

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address, Word
from klp_debug.result.common import Finding, Problem
from klp_debug.result.func import Hop, RecordResult, SiteResult
from klp_debug.result.site import SiteOps, SiteReport, StubResult
from tests.support.answers import HEAD, KERNEL

STUB = StubResult(
    address=Address(0xC008000000140640),
    owner="scsi_common",
    words=(Word(0xE98D0010),),
    kind="finds its target through the paca's kernel TOC",
    needs="kernel-toc",
    target=Address(0xC00000000005D94C),
    target_symbol="ftrace_caller",
    magic=Word(0x73747562),
    funcdata=Address(0xC00000000005D94C),
    disagreement=None,
)
OPS = SiteOps(
    address=Address(0xC0000000027D8120),
    symbol=None,
    user="livepatch",
    patch="leaf_patch",
    func=Address(0xC00000000013B5E0),
    func_symbol="klp_ftrace_handler",
    flags=("IPMODIFY", "ENABLED"),
)
ARMED = SiteReport(
    kernel=KERNEL,
    function="int_to_scsilun",
    module="scsi_common",
    leaf_without_toc=True,
    site=SiteResult(
        address=Address(0xC0080000001401E4),
        offset=4,
        state="armed",
        word=Word(0x4800045D),
        target=STUB.address,
        target_symbol=None,
        dialect="mprofile-kernel (2 instructions)",
    ),
    record=RecordResult(
        address=Address(0xC000000002F00060),
        ip=Address(0xC0080000001401E4),
        flags=("ENABLED", "IPMODIFY"),
        flags_word=Address(0x84000001),
        users=1,
        ool_stub=None,
        agrees=True,
    ),
    path=(
        Hop(
            kind="site",
            address=Address(0xC0080000001401E4),
            symbol="int_to_scsilun+0x4",
            ok=True,
            bytes="4800045d",
            what="bl",
            next=None,
        ),
        Hop(
            kind="stub",
            address=STUB.address,
            symbol=None,
            ok=True,
            bytes="e98d0010",
            what="needs no r2",
            next=None,
        ),
    ),
    stubs=(STUB,),
    ops=(OPS,),
    findings=(),
    problems=(),
)


def test_armed() -> None:
    assert (
        as_text(ARMED)
        == f"""\
{HEAD}
int_to_scsilun+0x4 [scsi_common]  c0080000001401e4
in a leaf function: it sets no TOC before this site, so r2 here is its caller's
no finding: word, record, stubs and ops fit together

word    4800045d  armed, mprofile-kernel (2 instructions) -> c008000000140640
record  c000000002f00060  ENABLED IPMODIFY, 1 user; agrees with the word
path    site  ok  c0080000001401e4  int_to_scsilun+0x4: bl  4800045d
        stub  ok  c008000000140640  needs no r2             e98d0010

STUB              OWNER        KIND                                            NEEDS                         LEADS TO       MAGIC AND FUNCDATA
c008000000140640  scsi_common  finds its target through the paca's kernel TOC  the kernel's TOC in the paca  ftrace_caller  agree

OPS               USER                   CALLBACK            FLAGS
c0000000027d8120  livepatch: leaf_patch  klp_ftrace_handler  IPMODIFY ENABLED"""  # noqa: E501
    )


def test_idle_and_out_of_line() -> None:
    """The site is the function's first instruction, and its stub is in the record."""
    site = dataclasses.replace(
        ARMED.site,
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
    assert (
        as_text(answer)
        == f"""\
{HEAD}
vfs_read  c0080000001401e4
no finding: word, record, stubs and ops fit together

word    60000000  idle, out-of-line
record  c000000002f00060  no flags, 0 users; agrees with the word
        its out-of-line stub: c000000000008010

no ftrace_ops wants this site"""
    )


def test_findings_come_before_the_facts() -> None:
    finding = Finding(
        id="stub-corrupt",
        severity="error",
        subject="stub of scsi_common",
        evidence="0xc0",
        meaning="Meant.",
        action="Do it.",
    )
    text = as_text(dataclasses.replace(ARMED, findings=(finding,)))
    assert (
        """
1 finding

error: stub-corrupt
    stub of scsi_common  0xc0
    means  Meant.
    do     Do it.

word    4800045d  armed"""
        in text
    )


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
    broken = dataclasses.replace(ARMED.path[1], ok=False)
    assert said in as_text(dataclasses.replace(ARMED, path=(ARMED.path[0], broken)))
    assert said in as_text(dataclasses.replace(ARMED, problems=(Problem("x", "y"),)))


def test_no_symbol_and_hostile_names() -> None:
    assert "\na site in no symbol  c0080000001401e4\n" in as_text(
        dataclasses.replace(ARMED, function=None, module=None)
    )
    assert "\n\\x1b[2J+0x4 [\\n]  c00800" in as_text(
        dataclasses.replace(ARMED, function="\x1b[2J", module="\n")
    )
