# SPDX-License-Identifier: GPL-2.0-or-later
"""How an entry of a livepatch stack is laid out, or why that is not known."""

import dataclasses

import pytest

from klp_debug.kernel.livepatch_stack import EntryLayout
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP
from tests.support.kernel_structs import MPROFILE, OUT_OF_LINE, Build
from tests.support.livepatch_handler_words import EVERY_HANDLER, WIDE, Handler

LIS_R2_MAGIC = 0x3C4057AC


def layout(kernel: FakeKernel) -> EntryLayout | Unknown:
    return kernel.view().livepatch_entry


def reason(kernel: FakeKernel) -> str:
    found = layout(kernel)
    assert isinstance(found, Unknown)
    return found.reason


def of(handler: Handler) -> EntryLayout:
    return EntryLayout(size=handler.size, toc=handler.toc, lr=handler.lr, marker=handler.marker)


@pytest.mark.parametrize("build", [MPROFILE, OUT_OF_LINE])
@pytest.mark.parametrize("handler", EVERY_HANDLER)
def test_by_the_words_of_the_handler(build: Build, handler: Handler) -> None:
    kernel = FakeKernel(build)
    kernel.saves_by(handler)
    assert layout(kernel) == of(handler)


@pytest.mark.parametrize("handler", EVERY_HANDLER)
def test_a_handler_whose_symbol_has_no_size(handler: Handler) -> None:
    """As in all releases, where it is a label."""
    kernel = FakeKernel()
    kernel.saves_by(handler)
    kernel.symbol("livepatch_handler", kernel.address("livepatch_handler"))
    assert layout(kernel) == of(handler)


def test_a_handler_that_is_part_of_ftrace_caller() -> None:
    kernel = FakeKernel()
    kernel.without_symbol("livepatch_handler")
    kernel.symbol("ftrace_caller", kernel.address("ftrace_caller"))
    kernel.put_words(kernel.address("ftrace_caller") + 0x80, *WIDE.words)
    assert layout(kernel) == of(WIDE)


def test_words_that_are_not_understood() -> None:
    kernel = FakeKernel()
    kernel.saves_by(dataclasses.replace(WIDE, words=(NOP, *WIDE.words[:-2], NOP)))
    assert reason(kernel).startswith("livepatch_handler: its words do not tell")


def test_another_marker() -> None:
    """An entry that does not have STACK_END_MAGIC is none that was overwritten."""
    kernel = FakeKernel()
    words = tuple(word + 1 if word == LIS_R2_MAGIC else word for word in WIDE.words)
    kernel.saves_by(dataclasses.replace(WIDE, words=words))
    assert "compares with 0x57ad6e9d, not with STACK_END_MAGIC" in reason(kernel)


def test_words_that_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.memory.lose(kernel.address("livepatch_handler"))
    assert reason(kernel).startswith("livepatch_handler: ")


def test_no_handler_at_all() -> None:
    kernel = FakeKernel()
    kernel.without_symbol("livepatch_handler")
    assert "do not tell" in reason(kernel)
