# SPDX-License-Identifier: GPL-2.0-or-later
"""Every script of drgn_scripts/ says what it answers and how it is run."""

import ast
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "drgn_scripts"


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_headers_tell_what_is_answered_and_how_to_run(path: Path) -> None:
    header = ast.get_docstring(ast.parse(path.read_text()))
    assert header is not None
    assert header.splitlines()[0].endswith("?")
    assert f" {path.name}" in header
    assert "drgn -c " in header
