# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``site`` built by hand."""

from klp_debug.result.address import Address, Word
from klp_debug.result.func import Hop, RecordResult, SiteResult
from klp_debug.result.site import SiteOps, SiteReport, StubResult
from tests.support.answers.kernel import KERNEL

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
SITE = SiteResult(
    address=Address(0xC0080000001401E4),
    offset=4,
    state="armed",
    word=Word(0x4800045D),
    target=STUB.address,
    target_symbol=None,
    dialect="mprofile-kernel (2 instructions)",
)
PATH = (
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
)
ARMED = SiteReport(
    kernel=KERNEL,
    function="int_to_scsilun",
    module="scsi_common",
    namesakes=(),
    leaf_without_toc=True,
    site=SITE,
    record=RecordResult(
        address=Address(0xC000000002F00060),
        ip=Address(0xC0080000001401E4),
        flags=("ENABLED", "IPMODIFY"),
        flags_word=Address(0x84000001),
        users=1,
        ool_stub=None,
        agrees=True,
    ),
    path=PATH,
    stubs=(STUB,),
    ops=(OPS,),
    findings=(),
    problems=(),
)
