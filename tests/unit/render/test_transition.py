# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``transition``."""

import dataclasses

from klp_debug.render.as_text import as_text
from tests.support.answers.kernel import HEAD
from tests.support.answers.transition import STALLED, WAITING


def test_a_task_that_waits() -> None:
    assert (
        as_text(STALLED)
        == f"""\
{HEAD}
wait_patch: patching, 40 of 41 tasks have switched
since 2.500000 s after boot, at least 62.8 s by the kernel's log

cat (52)  disk sleep, last on CPU 1, in a patched function
    held by: on its stack; it returns into wait_here [leaf_probe], which is to be switched
    unblocks: it must leave that function
    c0000000006027a8  schedule+0x78"""
    )
    assert not STALLED.clean


def test_what_the_log_does_not_tell_is_left_out() -> None:
    told = dataclasses.replace(STALLED, since=None, now=None, waiting=())
    assert as_text(told) == f"{HEAD}\nwait_patch: patching, 40 of 40 tasks have switched"


def test_a_task_without_the_flag() -> None:
    waiting = dataclasses.replace(WAITING, pending=False)
    text = as_text(dataclasses.replace(STALLED, waiting=(waiting,)))
    assert "to be switched (TIF_PATCH_PENDING is not set)\n" in text


def test_no_transition() -> None:
    none = dataclasses.replace(
        STALLED, patch=None, direction=None, since=None, now=None, switched=0, waiting=()
    )
    assert as_text(none) == f"{HEAD}\nno transition in progress"
    assert none.clean
