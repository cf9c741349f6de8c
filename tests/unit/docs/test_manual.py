# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual builds without a warning, and is whole."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

import docs
import klp_debug
from klp_debug.command import COMMANDS

PAGES = Path(docs.__file__).parent
PROJECT = PAGES.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    command: list[str | Path] = [sys.executable, "-m", "docs.manual", folder]
    done = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_every_command_is_in_the_manual_and_the_man_page(built: Path) -> None:
    page = html.unescape(re.sub("<[^>]+>", "", (built / "html/commands.html").read_text()))
    # A hyphen that troff must not break at is escaped.
    man = (built / "man/klp-debug.1").read_text().replace("\\-", "-")
    man = man.replace("\\(aq", "'")
    for command in COMMANDS:
        for text in (page, man):
            assert f"klp-debug {command.name} " in text
            assert " ".join(command.description.split()[:6]) in text
            for argument in command.arguments:
                assert argument.names[-1] in text or argument.settings["metavar"] in text


def test_every_name_of_the_library_is_in_the_manual(built: Path) -> None:
    page = (built / "html/library.html").read_text()
    for name in klp_debug.__all__:
        assert f'id="klp_debug.{name}"' in page or f'id="klp_debug.library.{name}"' in page, name


def test_every_script_is_in_the_manual() -> None:
    page = (PAGES / "scripts.md").read_text()
    for script in (PROJECT / "drgn_scripts").glob("*.py"):
        assert f"literalinclude}} ../drgn_scripts/{script.name}" in page


def test_pages_need_no_network(built: Path) -> None:
    """Links may lead out; what a page loads may not."""
    loads = re.compile(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]*"')
    pages = list((built / "html").glob("*.html"))
    assert len(pages) > 10
    for page in pages:
        assert not loads.findall(page.read_text()), page
