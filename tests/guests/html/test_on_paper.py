# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of real captures as a browser prints it."""

import subprocess
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from klp_debug.render.terminal import escape
from tests.support.browsing import Written, fold, shown

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("format_", ["A4", "Letter"])
def test_all_of_it_is_on_paper(
    browser: Browser, written: Written, tmp_path: Path, format_: str
) -> None:
    """What is folded on a screen is open on paper, and no page cuts anything off at its side."""
    report = written.json("report")
    pdf = tmp_path / "report.pdf"
    with shown(browser, written) as page:
        fold(page, open_=False)
        page.pdf(path=pdf, format=format_)
        everything = [
            "".join(text.split())
            for text in page.locator(
                "main td:not(.wide), main dd, main .what, main .bytes, main .log li"
            ).all_text_contents()
        ]
    printed = "".join(pdftotext(pdf, "-raw").split())
    for text in everything:
        assert text in printed
    for finding in report["findings"]:
        assert "".join(finding["subject"].split()) in printed
        assert "".join(escape(finding["evidence"]).split()) in printed
    for line in report["verdict"]["proof"]:
        assert "".join(line.split()) in printed
    for box in words_of(pdf):
        assert 0 <= box.left < box.right <= box.page


def pdftotext(pdf: Path, *options: str) -> str:
    done = subprocess.run(
        ["pdftotext", *options, pdf, "-"], capture_output=True, text=True, check=True
    )
    return done.stdout


@dataclass(frozen=True)
class Word:
    left: float
    right: float
    page: float
    """Its width."""


def words_of(pdf: Path) -> list[Word]:
    document = ET.fromstring(pdftotext(pdf, "-bbox"))
    return [
        Word(float(word.attrib["xMin"]), float(word.attrib["xMax"]), float(page.attrib["width"]))
        for page in document.iter()
        if page.tag.endswith("}page")
        for word in page
    ]


def test_black_on_white(browser: Browser, seed: Written) -> None:
    """On paper, though the screen is dark."""
    with shown(browser, seed, color_scheme="dark") as page:
        page.emulate_media(media="print")
        colours = page.evaluate(
            "[getComputedStyle(document.body).color,"
            " getComputedStyle(document.body).backgroundColor]"
        )
        assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
        assert not page.locator("nav").is_visible()
