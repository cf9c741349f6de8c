# SPDX-License-Identifier: GPL-2.0-or-later
"""Golden files: what a test says when one differs, and that a test uses each."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from klp_debug.command import COMMANDS
from tests.support.golden import FOLDER, Golden

TESTS = Path(__file__).parents[1]


def failure(golden: Golden, text: str) -> str:
    with pytest.raises(pytest.fail.Exception) as failed:
        golden("list", "empty", text)
    return str(failed.value)


@pytest.fixture
def there(tmp_path: Path) -> Golden:
    Golden(tmp_path, update=True)("list", "empty", "first\nsecond")
    return Golden(tmp_path, update=False)


def test_what_is_written_is_compared_exactly(there: Golden, tmp_path: Path) -> None:
    path = tmp_path / "list" / "empty.txt"
    assert path.read_bytes() == b"first\nsecond\n"
    there("list", "empty", "first\nsecond")
    for text in ("first\nsecond\n", "first\nsecond ", "first", ""):
        assert "list/empty.txt differs" in failure(there, text)
    for content in (b"first\nsecond", b"first\r\nsecond\r\n"):
        path.write_bytes(content)
        assert "list/empty.txt differs" in failure(there, "first\nsecond")


def test_a_difference_is_shown_and_how_to_renew_the_file(there: Golden) -> None:
    said = failure(there, "first\nthird").splitlines()
    assert said[0].endswith(
        "list/empty.txt differs. `pytest --update-golden` writes it anew;"
        " review the diff, then commit it."
    )
    assert said[3:] == [
        "+++ what the code prints",
        "@@ -1,2 +1,2 @@",
        " first",
        "-second",
        "+third",
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    said = failure(Golden(tmp_path, update=False), "text")
    assert "list/empty.txt is not there. `pytest --update-golden` writes it anew" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["\x1b[2J", "a\tb", "caf\xe9", "a\rb", "\x7f"])
@pytest.mark.parametrize("update", [False, True])
def test_what_a_terminal_would_not_show_is_refused(tmp_path: Path, text: str, update: bool) -> None:
    said = failure(Golden(tmp_path, update=update), f"first\n{text}")
    assert f"list/empty.txt: line 2 is not plain ASCII: {text!a}" in said


def test_a_file_besides_those_of_the_cases(there: Golden) -> None:
    there.only("list", ["empty", "full"])
    there.only("list", [], kind="json")
    with pytest.raises(pytest.fail.Exception, match="no test uses empty of golden/list"):
        there.only("list", ["full"])


def named_files(module: ast.Module) -> Iterator[str]:
    """
    Iterate over the golden files that the calls of ``golden`` in a module name.

    ``COMMAND/*.KIND`` stands for the cases that :meth:`Golden.only` is given.
    """
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Name("golden"), args=[command, ast.Constant(str(case)), _]):
                pass
            case ast.Call(func=ast.Attribute(ast.Name("golden"), "only"), args=[command, _]):
                case = "*"
            case _:
                continue  # a case that is no literal, only() tells of
        (kind,) = [ast.literal_eval(one.value) for one in node.keywords] or ["txt"]
        yield f"{ast.literal_eval(command)}/{case}.{kind}"


def test_a_test_uses_each() -> None:
    named = {
        name
        for path in (TESTS / "unit").rglob("test_*.py")
        if path.name != "test_golden_files.py"
        for name in named_files(ast.parse(path.read_text()))
    }
    orphans = [
        name
        for path in FOLDER.rglob("*")
        if path.is_file()
        and (name := path.relative_to(FOLDER).as_posix()) not in named
        and f"{path.parent.name}/*{path.suffix}" not in named
    ]
    assert orphans == [], "no test uses them: delete them"


def test_every_view_has_what_goes_wrong_most_often() -> None:
    """The ordinary answer, one with nothing in it, and what a damaged or hostile target makes."""
    cases = ("ordinary", "empty", "problems", "hostile-names", "long-names")
    # arm and undo are printed as disarm is.
    views = {command.name for command in COMMANDS} - {"arm", "undo"}
    missing = [
        f"{view}/{case}.txt"
        for view in sorted(views)
        for case in cases
        if not (FOLDER / view / f"{case}.txt").exists()
    ]
    assert missing == []
