# SPDX-License-Identifier: GPL-2.0-or-later
"""The objects that a patch is compared with, by the names that a klp_object has."""

from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.scan.against import Against
from tests.support.made_module import made_module
from tests.support.made_object import MadeObject


def test_a_named_file_is_what_it_says_it_is(tmp_path: Path) -> None:
    """Not what its name says."""
    against = Against([made_module().write(tmp_path / "renamed.ko")])
    census = against.get("scsi_common")
    assert census is not None
    assert against.get("scsi_common") is census
    assert against.get("renamed") is None


def test_of_a_folder_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    made_module().write(tmp_path / "scsi_common.ko")
    (tmp_path / "broken.ko").write_bytes(b"\x7fELF")
    against = Against([tmp_path])
    assert against.get("scsi_common") is not None
    assert against.get("broken") is None
    assert against.get("vmlinux") is None


def test_a_named_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="is of another machine"):
        Against([MadeObject(machine=62).write(tmp_path / "a.ko")])
