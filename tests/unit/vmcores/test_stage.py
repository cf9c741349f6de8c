# SPDX-License-Identifier: GPL-2.0-or-later
import sys
from pathlib import Path

import pytest

from vmcores.errors import StepFailedError
from vmcores.host.stage import run_stage
from vmcores.host.timings import expected_seconds


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_two_lines_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    run_stage("count: words", [sys.executable, "-c", "print('told')"], 7)
    out, err = capfd.readouterr()
    assert out == ""
    first, second = err.splitlines()
    assert first == "count: words ... (about 7 s)"
    assert second.startswith("count: words: ")
    # What it took is what the next run expects.
    assert expected_seconds("count: words", 7) < 7


def test_failure_names_stage_and_log() -> None:
    with pytest.raises(StepFailedError) as caught:
        run_stage("go", [sys.executable, "-c", "print('why'); exit(4)"], 1)
    assert "stage 'go' failed with status 4" in str(caught.value)
    assert str(caught.value.log) in str(caught.value)
    assert "why" in caught.value.log.read_text()
    assert expected_seconds("go", 99) == 99


def test_missing_command() -> None:
    with pytest.raises(StepFailedError) as caught:
        run_stage("go", ["/no/such/command"], 1)
    assert "No such file" in caught.value.log.read_text()
