# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark measures what happens: its pause is QEMU's word, beside klp-debug's own."""

import json

import pytest

from vmcores.cli import main

pytestmark = pytest.mark.lab

ROUNDED_MS = 10
"""To which klp-debug tells the pause."""


@pytest.mark.full  # a measurement for people
def test_disarm_and_arm(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "6.12", "--runs", "1", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by = {(each["way"], each["action"]): each for each in told}
    ways, actions = ("gdb", "gdb and qmp"), ("disarm", "arm")
    assert list(by) == [(way, action) for way in ways for action in actions]
    for each in told:
        assert each["bytes_written"] == 10 * 8
        # klp-debug begins before it has connected, and ends after it has left.
        assert 0 < each["pause_ms"] <= each["told_ms"] + ROUNDED_MS
        # Its reads of many bytes take a packet for each 2 KiB at most.
        assert each["round_trips"] >= each["bytes_read"] / 2048
    for action in actions:
        through_stub, with_qmp = by["gdb", action], by["gdb and qmp", action]
        assert with_qmp["bytes_read"] * 10 < through_stub["bytes_read"]
        assert with_qmp["round_trips"] < through_stub["round_trips"]
