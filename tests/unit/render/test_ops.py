# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``ops``."""

import dataclasses

import pytest

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.ops import DirectCall, Filter, FtraceOps, OpsList
from tests.support.answers import HEAD, KERNEL

EMPTY = Filter(0, ())
LIVEPATCH = FtraceOps(
    address=Address(0xC0000000027D8120),
    symbol=None,
    func=Address(0xC00000000013B5E0),
    func_symbol="klp_ftrace_handler",
    user="livepatch",
    patch="leaf_patch",
    flags=("IPMODIFY", "ENABLED"),
    flags_word=Address(0x1001),
    trampoline=None,
    managed_by=None,
    direct_calls=(),
    all_functions=False,
    filter=Filter(1, ("int_to_scsilun [scsi_common]",)),
    notrace=EMPTY,
    hooks=1,
    hooked=("int_to_scsilun [scsi_common]",),
)
TRACER = dataclasses.replace(
    LIVEPATCH,
    address=Address(0xC000000001F00000),
    symbol="global_ops",
    func_symbol=None,
    user=None,
    patch=None,
    flags=("ENABLED",),
    all_functions=True,
    filter=EMPTY,
    notrace=Filter(6, ("a", "b", "c", "d", "e", "f")),
    hooks=15292,
    hooked=None,
)
MANAGED = dataclasses.replace(
    LIVEPATCH,
    address=Address(0xC0000000027D9000),
    patch=None,
    user="fprobes",
    func_symbol="fprobe_entry",
    flags=(),
    managed_by=TRACER.address,
)


def text(*ops: FtraceOps, enabled: bool | None = True, problems: tuple[Problem, ...] = ()) -> str:
    return as_text(
        OpsList(kernel=KERNEL, ftrace_enabled=enabled, ops=ops, sites=15298, problems=problems)
    )


def test_ops() -> None:
    assert (
        text(LIVEPATCH, TRACER, MANAGED)
        == f"""\
{HEAD}
OPS                 USER                   CALLBACK            HOOKS  FILTER                           NOTRACE                   FLAGS
c0000000027d8120    livepatch: leaf_patch  klp_ftrace_handler  1      1: int_to_scsilun [scsi_common]  -                         IPMODIFY ENABLED
global_ops          -                      c00000000013b5e0    15292  *                                6: a, b, c, d and 2 more  ENABLED
  c0000000027d9000  fprobes                fprobe_entry        1      1: int_to_scsilun [scsi_common]  -

2 (managing 1 more) ops, 15298 mcount sites; ftrace_enabled 1"""  # noqa: E501
    )


def test_a_disarmed_patch() -> None:
    disarmed = dataclasses.replace(LIVEPATCH, user=None, func_symbol="ftrace_stub")
    assert "not livepatch any more: leaf_patch  ftrace_stub" in text(disarmed)


def test_direct_calls() -> None:
    calls = (
        DirectCall("wake_up_process", Address(0xC008000000300000), "my_tramp [ftrace_direct]"),
        DirectCall("f\x1b", Address(0xC008000000400000), None),
    )
    direct = dataclasses.replace(LIVEPATCH, patch=None, user="direct calls", direct_calls=calls)
    assert text(direct).endswith(
        """
DIRECT CALL OF   GOES TO
wake_up_process  c008000000300000 (my_tramp [ftrace_direct])
f\\x1b            c008000000400000

1 ops, 15298 mcount sites; ftrace_enabled 1"""
    )


@pytest.mark.parametrize(
    ("enabled", "said"),
    [
        (True, "1"),
        (False, "0: no ops is called (before a kdump, machine_kexec() clears it)"),
        (None, "unknown"),
    ],
)
def test_no_ops(enabled: bool | None, said: str) -> None:
    assert text(enabled=enabled) == f"{HEAD}\n0 ops, 15298 mcount sites; ftrace_enabled {said}"


def test_problems_end_it() -> None:
    assert text(LIVEPATCH, problems=(Problem("p", "q"),)).endswith("\n\nproblems\n    p: q")
