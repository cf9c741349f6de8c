# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests share is in tests/support/: no test imports another, and no helper imports a test."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))


def imported_modules(tree: ast.Module) -> Iterator[str]:
    """Iterate over the dotted names of modules, also of those that may be names in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: say from where in the tree it is"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden(file: Path, modules: Iterator[str]) -> list[str]:
    """Return which of its imports a file of tests may not have."""
    helper = file.is_relative_to(TESTS / "support")
    return [
        module
        for module in modules
        if module.startswith("tests.")
        and (".test_" in module or (helper and module.startswith(("tests.unit", "tests.guests"))))
    ]


def test_no_file_imports_a_test() -> None:
    assert len(FILES) > 100
    found = {
        str(file.relative_to(TESTS)): names
        for file in FILES
        if (names := forbidden(file, imported_modules(ast.parse(file.read_text()))))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("file", "line", "allowed"),
    [
        ("unit/kernel/test_log.py", "from tests.support.memory import memory", True),
        ("unit/kernel/test_log.py", "from tests.unit.kernel.test_task import TASK", False),
        ("guests/lab/test_guest.py", "from tests.unit.kernel import test_task", False),
        ("guests/lab/test_guest.py", "import tests.unit.kernel.test_task", False),
        ("support/memory.py", "from tests.guests.html.conftest import page", False),
        ("support/memory.py", "from tests.conftest import Captured", True),
        ("unit/kernel/test_log.py", "from klp_debug.kernel.bits import test_bit", True),
    ],
)
def test_what_is_found(file: str, line: str, allowed: bool) -> None:
    assert (forbidden(TESTS / file, imported_modules(ast.parse(line))) == []) == allowed
