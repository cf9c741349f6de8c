# SPDX-License-Identifier: GPL-2.0-or-later
"""
Why the kernel refused a patch: lines as kernel/livepatch/core.c and patch.c print them.

Those of ``restore_r2()`` are from arch/powerpc/kernel/module_64.c.
"""

import pytest

from klp_debug.analysis.patches.refusals import refusals
from klp_debug.result.refusal import Refusal
from tests.support.fake_view import FakeKernel
from tests.support.paged_memory import PAGE
from tests.support.sure import unread, whole

BUSY = "livepatch: failed to register ftrace handler for function 'f' (-16)"


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.function("f")
    return made


def refused(kernel: FakeKernel, *lines: str) -> tuple[Refusal, ...]:
    for number, line in enumerate(lines):
        kernel.say(float(number), line)
    return whole(refusals(kernel.view()))


@pytest.mark.parametrize(
    ("line", "means"),
    [
        (BUSY, "Another user of ftrace"),
        ("livepatch: failed to register ftrace handler for function 'f' (-22)", "did not take"),
        ("livepatch: failed to set ftrace filter for function 'f' (-22)", "ftrace has no site"),
        ("livepatch: failed to find location for function 'f'", "ftrace has no site"),
        ("livepatch: symbol 'f' not found in symbol table", "names a symbol"),
        ("livepatch: unresolvable ambiguity for symbol 'f' in object 'vmlinux'", "Several symbols"),
        ("livepatch: symbol position 2 for symbol 'f' in object 'ext4' not found", "fewer symbols"),
        ("livepatch: failed to enable patch 'first'", "was not enabled"),
        ("livepatch: failed to do something new", "could not do what the line says"),
        ("first: Expected nop after call, got 7c7f1b78 at f+0x4/0x8 [first]", "restore the TOC"),
    ],
)
def test_what_a_line_means(kernel: FakeKernel, line: str, means: str) -> None:
    (found,) = refused(kernel, "booted", line)
    assert (found.seconds, found.line) == (1.0, line)
    assert means in found.means
    assert found.do.endswith(".")


def test_the_oldest_first_and_no_other_line(kernel: FakeKernel) -> None:
    found = refused(
        kernel,
        "livepatch: enabling patch 'first'",
        "livepatch: failed to enable patch 'second'",
        "livepatch: 'first': patching complete",
        BUSY,
    )
    assert [refusal.seconds for refusal in found] == [1.0, 3.0]


# who has the function now


def test_who_has_the_function(kernel: FakeKernel) -> None:
    flags = ("ENABLED", "INITIALIZED", "IPMODIFY")
    kernel.ops("kprobe_ftrace_handler", kernel.functions["f"], flags=flags)
    kernel.ops("function_trace_call", kernel.functions["f"])
    (found,) = refused(kernel, BUSY)
    assert found.in_the_way == "now: kprobes"


def test_a_patch_has_it(kernel: FakeKernel) -> None:
    kernel.patch("first", kernel.functions["f"])
    (found,) = refused(kernel, BUSY)
    assert found.in_the_way == "now: first"


def test_nobody_has_it_any_more(kernel: FakeKernel) -> None:
    (found,) = refused(kernel, BUSY)
    assert found.in_the_way == "nobody any more"


def test_a_line_that_names_nobody_in_the_way(kernel: FakeKernel) -> None:
    (found,) = refused(kernel, "livepatch: failed to find location for function 'f'")
    assert found.in_the_way is None


# what cannot be read


def test_who_has_it_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.memory.lose(kernel.ops_list)
    (found,) = refused(kernel, BUSY)
    assert found.in_the_way == "who has it now is unknown"


def test_whether_others_have_it_cannot_be_read(kernel: FakeKernel) -> None:
    """The list of ops breaks off behind one that has it."""
    lost = kernel.ops("function_trace_call", kernel.functions["f"])
    kernel.patch("first", kernel.functions["f"])
    lost.struct.lose()
    (found,) = refused(kernel, BUSY)
    assert found.in_the_way == "now: first; whether others have it is unknown"


def test_a_log_that_breaks_off(kernel: FakeKernel) -> None:
    kernel.say(1.0, BUSY)
    kernel.say(2.0, "x" * 2 * PAGE)
    kernel.memory.lose(kernel.log_at + PAGE)
    found, missing = refusals(kernel.view())
    assert isinstance(found, Refusal)
    assert unread(missing).reason.startswith("log of the kernel: not in the dump")
