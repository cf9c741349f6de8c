# SPDX-License-Identifier: GPL-2.0-or-later
"""What klp_convert.py refuses, and which sources a capture depends on."""

# SPDX-License-Identifier: GPL-2.0-or-later
from pathlib import Path

import pytest

from vmcores.build.guest_modules import module_sources
from vmcores.build.klp_convert import klp_convert
from vmcores.errors import LabError


def test_names_must_be_equally_long(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot become"):
        klp_convert(tmp_path / "x.ko", "_too_short", "scsi_common", "f")


def test_a_capture_depends_on_the_modules_that_its_commands_name() -> None:
    none = module_sources(["true"])
    one = module_sources(["insmod /modules/leaf_probe.ko"])
    two = module_sources(["insmod /modules/leaf_probe.ko", "load-patch reloc_patch"])
    assert str(none).count(".c'") == 0
    assert "leaf_probe.c" in str(one)
    assert "patch_module.h" in str(one)
    assert "klp_convert.py" not in str(one)
    assert "klp_convert.py" in str(two)
    assert "obj-m += reloc_patch.o" in str(two)
