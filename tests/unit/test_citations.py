# SPDX-License-Identifier: GPL-2.0-or-later
"""How comments and docstrings cite the kernel's commits: as drgn's do."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "klp_debug"
HASH = re.compile(r"\b[0-9a-f]{12}\b")
CITATION = re.compile(
    r'Linux kernel commit (?P<hash>[0-9a-f]{12}) \("(?P<title>[^"]+: .+?)"\) \(in v\d+\.\d+\)'
)


def prose(source: str) -> Iterator[str]:
    """Yield each docstring, and each row of comments, without its line breaks."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield " ".join(node.value.value.split())
    rows: list[list[str]] = []
    last = -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1:
                rows.append([])
            rows[-1].append(token.string.lstrip("# "))
            last = token.start[0]
    yield from (" ".join(row) for row in rows)


def uncited(text: str) -> list[str]:
    """Return the hashes of a text that are not in a citation of the right form."""
    cited = [match["hash"] for match in CITATION.finditer(text)]
    return [found for found in HASH.findall(text) if found not in cited]


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: path.name)
def test_each_commit_has_hash_title_and_version(path: Path) -> None:
    source = path.read_text()
    assert [found for text in prose(source) for found in uncited(text)] == []


def test_a_hash_has_one_title_and_one_version() -> None:
    cited: dict[str, set[str]] = {}
    for path in SOURCES.rglob("*.py"):
        for text in prose(path.read_text()):
            for match in CITATION.finditer(text):
                cited.setdefault(match["hash"], set()).add(match[0])
    assert len(cited) > 10
    assert [forms for forms in cited.values() if len(forms) > 1] == []


@pytest.mark.parametrize(
    "text",
    [
        "# Since Linux kernel commit cf25e24db61c (in v5.5)\n",
        '"""Since commit cf25e24db61c ("time: Rename") (in v5.5)."""\n',
        'x = 1\n"""\nLinux kernel commits 7e3a68be42e1\nand 77e69ee7ce07 (in v6.4).\n"""\n',
    ],
)
def test_what_the_test_finds(text: str) -> None:
    assert [found for each in prose(text) for found in uncited(each)]


def test_a_citation_over_two_comment_lines_is_one() -> None:
    text = '# Since Linux kernel commit cf25e24db61c\n# ("time: Rename it") (in v5.5).\n'
    assert [uncited(each) for each in prose(text)] == [[]]
