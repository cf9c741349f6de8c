# SPDX-License-Identifier: GPL-2.0-or-later
"""
Golden files: texts that tests expect, as files, ``tests/golden/COMMAND/CASE.KIND``.

``pytest --update-golden`` writes them anew; what changed is then reviewed as a diff. The answers
that are printed are built by hand (``tests/support/answers``), so that a golden file says how an
answer is printed, and never what the answer is.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "golden"
_RENEW = "`pytest --update-golden` writes it anew; review the diff, then commit it."


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the golden files of the tests that run, instead of comparing with them",
    )


class Golden:
    """
    Compares a text with its golden file: ``golden("list", "empty", as_text(answer))``.

    Tests name command and case by literals, so that tests/unit/test_golden_files.py finds the
    files that no test names. A test of cases that are listed elsewhere calls :meth:`only` besides.

    :param folder: where the golden files are
    :param update: whether they are written instead
    """

    def __init__(self, folder: Path, *, update: bool) -> None:
        self._folder = folder
        self._update = update

    def __call__(self, command: str, case: str, text: str, kind: str = "txt") -> None:
        """
        Fail the test unless its golden file holds exactly this text and a newline.

        :param text: as ``print()`` is given it: without the last newline
        :param kind: the file's suffix
        """
        path = self._folder / command / f"{case}.{kind}"
        got = f"{text}\n"
        _assert_plain(path, got)
        if self._update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(got.encode("ascii"))
            return
        if not path.exists():
            pytest.fail(f"{_shown(path)} is not there. {_RENEW}\n\n{got}", pytrace=False)
        expected = path.read_bytes().decode("ascii")
        if got != expected:
            diff = "".join(_diff(path, expected, got))
            pytest.fail(f"{_shown(path)} differs. {_RENEW}\n\n{diff}", pytrace=False)

    def only(self, command: str, cases: Iterable[str], kind: str = "txt") -> None:
        """Fail the test if a command has golden files of this kind besides those of the cases."""
        there = {path.stem for path in (self._folder / command).glob(f"*.{kind}")}
        orphans = sorted(there - set(cases))
        if orphans:
            pytest.fail(f"no test uses {', '.join(orphans)} of golden/{command}", pytrace=False)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(FOLDER, update=request.config.getoption("--update-golden"))


def _assert_plain(path: Path, text: str) -> None:
    """Fail the test if a text cannot be reviewed as a diff, nor shown by a terminal as it is."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not all(" " <= char <= "~" for char in line):
            pytest.fail(
                f"{_shown(path)}: line {number} is not plain ASCII: {line!a}", pytrace=False
            )


def _shown(path: Path) -> str:
    return "/".join(path.parts[-3:])


def _diff(path: Path, expected: str, got: str) -> Iterable[str]:
    """Return the lines of a unified diff; a last line without newline is told."""
    lines = difflib.unified_diff(
        expected.splitlines(keepends=True),
        got.splitlines(keepends=True),
        f"{_shown(path)} (expected)",
        "what the code prints",
    )
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
