# SPDX-License-Identifier: GPL-2.0-or-later
"""The livepatch stack of a task, in entries of any size."""

import pytest

from klp_debug.kernel.livepatch_stack import (
    EntryLayout,
    livepatch_stack,
    livepatch_stack_entries,
)
from klp_debug.kernel.walk import WalkError
from tests.support.fake_tasks import THREAD_SIZE, FakeTask
from tests.support.fake_view import FakeKernel
from tests.support.livepatch_handler_words import EVERY_HANDLER, WIDE, Handler

LAYOUT = EntryLayout(size=WIDE.size, toc=WIDE.toc, lr=WIDE.lr, marker=WIDE.marker)


def used(task: FakeTask) -> range:
    return livepatch_stack(task.struct.object, range(task.stack, task.stack + THREAD_SIZE))


@pytest.mark.parametrize("handler", EVERY_HANDLER)
def test_the_newest_first(handler: Handler) -> None:
    kernel = FakeKernel()
    kernel.saves_by(handler)
    task = kernel.task(7, "cat")
    first = task.calls_replacement(toc=1, lr=2, marker=3)
    second = task.calls_replacement(toc=4, lr=5, marker=6)
    layout = EntryLayout(size=handler.size, toc=handler.toc, lr=handler.lr, marker=handler.marker)
    entries = livepatch_stack_entries(kernel.prog, used(task), layout)
    assert [(each.address, each.toc, each.lr, each.marker) for each in entries] == [
        (second, 4, 5, 6),
        (first, 1, 2, 3),
    ]
    assert second - first == handler.size


def test_nothing_is_on_it() -> None:
    task = FakeKernel().task(7, "cat")
    assert not used(task)


def test_one_that_does_not_end_where_an_entry_does() -> None:
    kernel = FakeKernel()
    task = kernel.task(7, "cat")
    task.struct["thread_info.livepatch_sp"] = task.stack + 8 + 24
    with pytest.raises(WalkError, match="in entries of 32 bytes"):
        livepatch_stack_entries(kernel.prog, used(task), LAYOUT)


@pytest.mark.parametrize("offset", [0, 9, THREAD_SIZE + 8, -8])
def test_a_pointer_that_is_none(offset: int) -> None:
    task = FakeKernel().task(7, "cat")
    task.struct["thread_info.livepatch_sp"] = task.stack + offset
    with pytest.raises(WalkError, match="is none: that stack begins at"):
        used(task)
