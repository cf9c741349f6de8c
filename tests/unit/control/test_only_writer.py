# SPDX-License-Identifier: GPL-2.0-or-later
"""Only control/ writes to a target: nobody else takes hold of what can."""

import ast
from collections.abc import Iterator
from pathlib import Path

import klp_debug

PACKAGE = Path(klp_debug.__file__).parent
MAY = ("control", "targets")


def uses(path: Path) -> Iterator[str]:
    """Iterate over where a file touches ``Target.writable``, by any spelling."""
    for node in ast.walk(ast.parse(path.read_text())):
        name = None
        if isinstance(node, ast.Attribute):
            name = node.attr
        elif isinstance(node, ast.alias):
            name = node.name.rpartition(".")[2]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value  # getattr(target, "writable")
        elif isinstance(node, ast.ImportFrom) and node.module:
            name = node.module.rpartition(".")[2]
        if name in ("writable", "WritableMemory"):
            yield f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', '?')}"


def test_only_control_writes() -> None:
    files = list(PACKAGE.rglob("*.py"))
    outside = [path for path in files if path.relative_to(PACKAGE).parts[0] not in MAY]
    assert [use for path in outside for use in uses(path)] == []
    assert [use for path in files if path not in outside for use in uses(path)]


def test_the_journal_is_asked_before_each_write() -> None:
    """``write`` is called in one file of control/, which also compares and reads back."""
    writers = set()
    for path in (PACKAGE / "control").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "write"
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "memory"
            ):
                writers.add(path.name)
    assert writers == {"apply.py"}
