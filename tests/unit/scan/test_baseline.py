# SPDX-License-Identifier: GPL-2.0-or-later
"""A baseline accepts the hazards of an earlier scan, and nothing else."""

import dataclasses
from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.render.as_json import as_json
from klp_debug.scan.baseline import read_baseline
from klp_debug.scan.scan import Scanner
from tests.support.made_module import made_module
from tests.support.made_object import MadeObject
from tests.support.made_patch import Func, made_patch


@pytest.fixture
def module(tmp_path: Path) -> Path:
    return made_module().write(tmp_path / "scsi_common.ko")


def replacing(name: str) -> MadeObject:
    return made_patch({"scsi_common": [Func(name)]})


def test_a_baseline_accepts_what_it_has(tmp_path: Path, module: Path) -> None:
    path = tmp_path / "made_patch.ko"
    replacing("gone").write(path)
    first = Scanner(against=[module]).scan([path], "note", lambda name: None)
    baseline = tmp_path / "baseline.json"
    baseline.write_text(as_json(first))
    known = read_baseline(baseline)
    again = Scanner(against=[module], accepted=known).scan([path], "note", lambda name: None)
    assert [one.accepted for one in again.hazards] == [True]
    assert again.clean
    replacing("twice").write(path)
    new = Scanner(against=[module], accepted=known).scan([path], "note", lambda name: None)
    assert [one.accepted for one in new.hazards] == [False]
    assert not new.clean
    assert dataclasses.replace(again.hazards[0], accepted=False) == first.hazards[0]


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"hazards": [{}]}', "[" * 100000])
def test_no_baseline(tmp_path: Path, content: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(content)
    with pytest.raises(TargetError, match="is not what klp-debug scan --json writes"):
        read_baseline(path)
