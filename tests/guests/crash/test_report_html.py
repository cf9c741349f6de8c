# SPDX-License-Identifier: GPL-2.0-or-later
"""``report --html FILE``: the same answer, and a page besides."""

from pathlib import Path

import pytest

from tests.conftest import Captured
from tests.support.cli import klp_debug_json, klp_debug_run, refusal
from tests.support.every_kernel import on_every_kernel
from tests.support.verdicts import target
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab


@on_every_kernel("seed_crash", "stalled")
def test_text_and_exit_code_are_those_of_the_report(captures: CaptureSet, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    ran = klp_debug_run("report", "--html", page, *target(captures))
    assert ran.err == f"klp-debug: the page is {page}\n"
    assert ran == type(ran)(*_without_page(captures), ran.err)
    assert page.read_text().startswith("<!DOCTYPE html>\n")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def _without_page(captures: CaptureSet) -> tuple[int, str]:
    ran = klp_debug_run("report", *target(captures))
    assert ran.err == ""
    return ran.status, ran.out


def test_with_json(captured: Captured, tmp_path: Path) -> None:
    captures = captured("patched")
    page = tmp_path / "report.html"
    ran = klp_debug_run("report", "--json", "--html", page, *target(captures))
    assert ran.out == klp_debug_run("report", "--json", *target(captures)).out
    assert ran.err == f"klp-debug: the page is {page}\n"
    assert klp_debug_json("report", *target(captures))["verdict"]["what"][0] in page.read_text()


def test_a_page_that_cannot_be_written(captured: Captured, tmp_path: Path) -> None:
    captures = captured("patched")
    path = tmp_path / "no" / "report.html"
    assert refusal("report", "--html", path, *target(captures)) == (
        f"klp-debug: {path} cannot be written: No such file or directory\n"
    )


def test_a_target_that_cannot_be_used_leaves_no_page(tmp_path: Path) -> None:
    core = tmp_path / "core"
    core.write_bytes(b"nothing")
    page = tmp_path / "report.html"
    refusal("report", "--html", page, "-c", core, "-s", core)
    assert [path.name for path in tmp_path.iterdir()] == ["core"]
