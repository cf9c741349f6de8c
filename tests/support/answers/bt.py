# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``bt`` built by hand."""

import dataclasses

from klp_debug.result.address import Address
from klp_debug.result.bt import Frame, LivepatchEntryResult, TaskTrace


def frame(pc: int, symbol: str | None) -> Frame:
    return Frame(
        pc=Address(pc),
        symbol=symbol,
        sp=Address(0xC000000002C37A20),
        inlined=False,
        interrupted=False,
        from_livepatch_stack=False,
        role=None,
        patch=None,
    )


REPLACEMENT = dataclasses.replace(
    frame(0xC0080000002C0040, "patched_wait+0x40 [wait_patch]"),
    role="replacement",
    patch="wait_patch",
)
PUT_BY = dataclasses.replace(
    frame(0xC0000000002AEA3C, "seq_read_iter+0x24c"), sp=None, from_livepatch_stack=True
)
INLINED = dataclasses.replace(frame(0xC000000000602330, "context_switch"), inlined=True)
ENTRY = LivepatchEntryResult(
    address=Address(0xC000000002C34008),
    toc=Address(0xC000000001A98000),
    lr=Address(0xC0000000002AEA3C),
    lr_symbol="seq_read_iter+0x24c",
    marker=Address(0x57AC6E9D),
    intact=True,
)
SLEEPER = TaskTrace(
    pid=52,
    comm="cat",
    cpu=1,
    running=False,
    state="disk sleep",
    frames=(
        INLINED,
        frame(0xC0000000006027A8, "schedule+0x78"),
        REPLACEMENT,
        frame(0xC00000000005D9D0, "livepatch_handler+0x30"),
        PUT_BY,
    ),
    livepatch_stack=(ENTRY,),
    unreliable=None,
    in_patched=True,
)
