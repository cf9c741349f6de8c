# SPDX-License-Identifier: GPL-2.0-or-later
"""Why the kernel refused a patch, by the lines of its log."""

import pytest

from klp_debug.analysis.patches.refusals import refusals
from klp_debug.result.unknown import Unknown, known
from tests.support.fake_view import FakeKernel

BUSY = "livepatch: failed to register ftrace handler for function 'vfs_read' (-16)"


@pytest.mark.parametrize(
    ("line", "means", "do"),
    [
        (BUSY, "Another user of ftrace", "Remove the kprobe"),
        (
            "livepatch: failed to set ftrace filter for function 'vfs_read' (-22)",
            "no site that it could switch",
            "`func`",
        ),
        ("livepatch: symbol 'gone' not found in symbol table", "does not have", "exactly this"),
        (
            "livepatch: unresolvable ambiguity for symbol 'show' in object 'ext4'",
            "Several symbols",
            "position",
        ),
        (
            "livepatch: failed to apply patch 'first' to module 'ext4' (-16)",
            "a module that was being loaded",
            "lines before",
        ),
        (
            "livepatch: patch 'first' failed for module 'ext4', refusing to load module 'ext4'",
            "The module was not loaded",
            "Disable the patch",
        ),
        ("livepatch: failed to enable patch 'first'", "not enabled", "lines before"),
        (
            "module_64: first: Expected nop after call, got 7c0802a6 at patched+0x24/0x40 [first]",
            "no nop",
            "-fno-optimize-sibling-calls",
        ),
        ("livepatch: failed to do a thing of tomorrow", "what the line says", "around it"),
    ],
)
def test_what_a_line_means(line: str, means: str, do: str) -> None:
    kernel = FakeKernel()
    kernel.function("vfs_read")
    kernel.say(1.5, "livepatch: enabling patch 'first'")
    kernel.say(2.5, line)
    (refusal,) = known(refusals(kernel.view()))
    assert (refusal.seconds, refusal.line) == (2.5, line)
    assert means in refusal.means
    assert do in refusal.do


def test_nothing_was_refused() -> None:
    kernel = FakeKernel()
    for text in ("livepatch: enabling patch 'first'", "livepatch: 'first': patching complete"):
        kernel.say(1.0, text)
    kernel.say(2.0, "something else failed to register ftrace handler")
    assert refusals(kernel.view()) == ()


def test_who_has_the_function() -> None:
    kernel = FakeKernel()
    kernel.patch("second", kernel.function("vfs_read"))
    kernel.say(1.0, BUSY)
    (refusal,) = known(refusals(kernel.view()))
    assert refusal.in_the_way == "now: second"


def test_nobody_has_it_any_more() -> None:
    kernel = FakeKernel()
    kernel.function("vfs_read")
    kernel.say(1.0, BUSY)
    (refusal,) = known(refusals(kernel.view()))
    assert refusal.in_the_way == "nobody any more"


def test_a_log_that_is_not_there() -> None:
    kernel = FakeKernel()
    kernel.say(1.0, BUSY)
    kernel.memory.lose(kernel.log_at)
    (unread,) = refusals(kernel.view())
    assert isinstance(unread, Unknown)


def test_who_has_it_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.function("vfs_read")
    kernel.memory.lose(kernel.ops_list)
    kernel.say(1.0, BUSY)
    (refusal,) = known(refusals(kernel.view()))
    assert refusal.in_the_way == "who has it now is unknown"


def test_whether_others_have_it_cannot_be_read() -> None:
    """The list of ops breaks off behind one that has it."""
    kernel = FakeKernel()
    function = kernel.function("vfs_read")
    lost = kernel.ops("function_trace_call", function)
    kernel.patch("second", function)
    lost.struct.lose()
    kernel.say(1.0, BUSY)
    (refusal,) = known(refusals(kernel.view()))
    assert refusal.in_the_way == "now: second; whether others have it is unknown"
