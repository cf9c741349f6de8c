# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of a real capture in a real browser, without network and without script."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page

from tests.support.cli import klp_debug_run
from tests.support.verdicts import target
from vmcores.scenarios.capture import CaptureSet

BROWSER = Path("/usr/bin/chromium-headless-shell")
DESK, TABLET, PHONE = 1280, 768, 360
"""Widths in pixels."""


@dataclass(frozen=True)
class Written:
    """A page, and the captures that it is about."""

    path: Path
    captures: CaptureSet
    _answers: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def json(self, *command: str) -> Any:
        """Return what a command says of the same capture."""
        if command not in self._answers:
            ran = klp_debug_run(*command, *target(self.captures), "--json")
            assert ran.status in (0, 1), ran.err
            self._answers[command] = json.loads(ran.out)
        return self._answers[command]


@contextmanager
def shown(browser: Browser, written: Written, width: int = DESK, **options: Any) -> Iterator[Page]:
    """Open a page without network and without script; nothing must go wrong meanwhile."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=False, offline=True, **options
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(written.path.as_uri())
    try:
        yield page
    finally:
        context.close()
    assert complaints == []
    assert requests == [written.path.as_uri()]


def fold(page: Page, *, open_: bool) -> None:
    """Open or close everything that can be."""
    page.locator("details").evaluate_all("(all, open) => all.forEach(e => e.open = open)", open_)


def area(locator: Locator) -> float:
    """Return how many square pixels of the page an element takes."""
    box = locator.bounding_box()
    return 0 if box is None else box["width"] * box["height"]
