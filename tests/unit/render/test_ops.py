# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``ops``."""

import dataclasses

import pytest

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.ops import DirectCall, Filter, FtraceOps, OpsList
from klp_debug.result.unknown import Unknown
from tests.support.answers.kernel import HEAD, KERNEL
from tests.support.answers.ops import LIVEPATCH, MANAGED, TRACER, UNKNOWN
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden

UNREADABLE = Problem("ftrace_ops_list", "is cut")
UNREAD = Unknown("ftrace_ops_list: is cut")


def text(
    *ops: FtraceOps | Unknown, enabled: bool | Unknown = True, problems: tuple[Problem, ...] = ()
) -> str:
    return as_text(answer(*ops, enabled=enabled, problems=problems))


def answer(
    *ops: FtraceOps | Unknown, enabled: bool | Unknown = True, problems: tuple[Problem, ...] = ()
) -> OpsList:
    return OpsList(kernel=KERNEL, ftrace_enabled=enabled, ops=ops, sites=15298, problems=problems)


def test_ops(golden: Golden) -> None:
    golden("ops", "ordinary", text(LIVEPATCH, TRACER, MANAGED))


def test_a_disarmed_patch() -> None:
    disarmed = dataclasses.replace(LIVEPATCH, user=None, func_symbol="ftrace_stub")
    assert "not livepatch any more: leaf_patch  ftrace_stub" in text(disarmed)


def test_direct_calls(golden: Golden) -> None:
    calls = (
        DirectCall("wake_up_process", Address(0xC008000000300000), "my_tramp [ftrace_direct]"),
        DirectCall("f\x1b", Address(0xC008000000400000), None),
    )
    direct = dataclasses.replace(LIVEPATCH, patch=None, user="direct calls", direct_calls=calls)
    golden("ops", "direct-calls", text(direct))


def test_no_ops(golden: Golden) -> None:
    golden("ops", "empty", text())


@pytest.mark.parametrize(
    ("enabled", "said"),
    [
        (True, "1"),
        (False, "0: no ops is called (before a kdump, machine_kexec() clears it)"),
        (UNREAD, "unknown"),
    ],
)
def test_whether_ftrace_is_enabled(enabled: bool | Unknown, said: str) -> None:
    assert text(enabled=enabled) == f"{HEAD}\n0 ops, 15298 mcount sites; ftrace_enabled {said}"


def test_no_ops_could_be_read(golden: Golden) -> None:
    golden("ops", "unreadable", text(UNREAD, enabled=UNREAD, problems=(UNREADABLE,)))


def test_problems_end_it(golden: Golden) -> None:
    golden("ops", "problems", text(LIVEPATCH, UNREAD, problems=(UNREADABLE, Problem("p", "q"))))


def test_hostile_names(golden: Golden) -> None:
    call = DirectCall("f", Address(0xC008000000300000), "g")
    direct = dataclasses.replace(LIVEPATCH, symbol="h", direct_calls=(call,))
    golden("ops", "hostile-names", as_text(with_names(answer(direct), HOSTILE)))


def test_long_names(golden: Golden) -> None:
    long = dataclasses.replace(
        LIVEPATCH, symbol=LONG, patch=LONG, func_symbol=LONG, filter=Filter(5, (LONG,) * 5)
    )
    golden("ops", "long-names", text(long))


def test_what_is_unknown(golden: Golden) -> None:
    golden("ops", "unknown", as_text(UNKNOWN))
