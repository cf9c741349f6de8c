# SPDX-License-Identifier: GPL-2.0-or-later
"""Every file of klp_debug/analysis/, elf/ and scan/ has its tests in the file of its name."""

from pathlib import Path

import pytest

import klp_debug

CODE = Path(klp_debug.__file__).parent
UNIT = Path(__file__).parent
FILES = [
    path.relative_to(CODE)
    for folder in ("analysis", "elf", "scan")
    for path in sorted((CODE / folder).rglob("*.py"))
    if path.name != "__init__.py"
]


def test_there_are_some() -> None:
    assert len(FILES) > 60


@pytest.mark.parametrize("file", FILES, ids=str)
def test_it_has_tests(file: Path) -> None:
    assert (UNIT / file.with_name(f"test_{file.name}")).is_file()
