# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``bt``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.bt import Frame, LivepatchEntryResult, TaskTrace, TraceList
from tests.support.answers import HEAD, KERNEL


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


def text(*tasks: TaskTrace) -> str:
    return as_text(TraceList(KERNEL, tasks, ()))


def test_the_frame_that_a_plain_walk_misses() -> None:
    assert (
        text(SLEEPER)
        == f"""\
{HEAD}
cat (52)  disk sleep, last on CPU 1, in a patched function
                      context_switch                  inlined
    c0000000006027a8  schedule+0x78
    c0080000002c0040  patched_wait+0x40 [wait_patch]  replacement, of wait_patch
    c00000000005d9d0  livepatch_handler+0x30
    c0000000002aea3c  seq_read_iter+0x24c             from the livepatch stack
    livepatch stack c000000002c34008: returns to seq_read_iter+0x24c, r2 c000000001a98000"""
    )


def test_a_damaged_marker_and_an_unreliable_stack() -> None:
    damaged = dataclasses.replace(ENTRY, marker=Address(0), intact=False, lr_symbol=None)
    task = dataclasses.replace(
        SLEEPER,
        comm="a\x1b[2J",
        frames=(frame(0, None),),
        livepatch_stack=(damaged,),
        unreliable="the frame at 0x10 cannot be read",
        in_patched=False,
    )
    assert text(task).splitlines()[3:] == [
        r"a\x1b[2J (52)  disk sleep, last on CPU 1",
        "    unreliable: the frame at 0x10 cannot be read",
        "    0000000000000000  in no symbol",
        "    livepatch stack c000000002c34008: returns to c0000000002aea3c, r2 c000000001a98000;"
        " MARKER DAMAGED: 0000000000000000",
    ]
    assert not TraceList(KERNEL, (task,), ()).clean


def test_a_running_task_without_registers() -> None:
    task = dataclasses.replace(
        SLEEPER, running=True, state="running", frames=(), livepatch_stack=(), in_patched=False
    )
    assert text(task).splitlines()[3:] == [
        "cat (52)  runs on CPU 1",
        "    no frame: its registers are not known",
    ]


def test_no_task() -> None:
    assert text() == f"{HEAD}\nno such task"


def test_a_stack_without_end_is_cut() -> None:
    """The beginning and the end of it are what tells."""
    frames = tuple(
        frame(0xC000000000000000 + 4 * number, f"f{number}+0x4") for number in range(100)
    )
    entries = tuple(dataclasses.replace(ENTRY, lr_symbol=f"g{number}+0x4") for number in range(61))
    task = dataclasses.replace(SLEEPER, frames=frames, livepatch_stack=entries)
    text = as_text(TraceList(KERNEL, (task,), ()))
    assert "40 frames; --json has all" in text
    assert "... 1 entries; --json has all" in text
    for shown in ("f39+", "f80+", "f99+", "g39+", "g41+", "g60+"):
        assert shown in text
    for hidden in ("f40+", "f79+", "g40+"):
        assert hidden not in text
