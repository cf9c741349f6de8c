# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps that a full disk cut at many points: each answer is the whole one's, or says unknown."""

import os
import subprocess
from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from tests.conftest import Captured
from tests.support.removal.capture import RemovalCapture
from tests.support.removal.judge import false_statements
from tests.support.tier import by_tier

pytestmark = pytest.mark.lab

POINTS = 50
LINES = ("list", "func int_to_scsilun", "ops", "audit", "report", "transition", "bt crashed")


@pytest.mark.parametrize("kind", ["kdump", "elf"])
@pytest.mark.parametrize("point", by_tier(covering=[24, 41, 47, 49], full=range(POINTS)))
def test_no_answer_states_what_was_cut_off(
    captured: Captured, tmp_path: Path, kind: str, point: int
) -> None:
    taken = captured("patched", "radix", "6.1")
    whole = RemovalCapture(taken.path(kind), taken.image.vmlinux)
    core = tmp_path / "vmcore"
    subprocess.run(["cp", "--sparse=always", taken.path(kind), core], check=True)
    core.chmod(0o600)
    os.truncate(core, taken.path(kind).stat().st_size * (point + 1) // (POINTS + 1))
    try:
        cut = RemovalCapture(core, taken.image.vmlinux)
    except TargetError as error:
        assert "cut short" in str(error)  # noqa: PT017 - it opens, or says why it does not
        return
    for line in LINES:
        before, _ = whole.whole(line)
        assert false_statements(before, cut.run(line)) == []
