# SPDX-License-Identifier: GPL-2.0-or-later
"""A browser, and pages of real captures for it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import Captured
from tests.support.browsing import BROWSER, Written
from tests.support.cli import klp_debug_run
from tests.support.tier import by_tier
from tests.support.verdicts import target

SCENARIOS = [("seed_crash", "6.1"), ("stalled", "7.2"), ("patched", "6.12")]
MORE_SCENARIOS = [("sleep_in_replacement", "7.2-pcrel"), ("ftrace_bug", "6.1")]
Pages = Callable[[str, str], Written]


# Of each file: while it is open, its event loop is the thread's, and other tests run their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pages(captured: Captured, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """pages(scenario, kernel): the page of that capture, written once."""
    known: dict[tuple[str, str], Written] = {}

    def write(scenario: str, kernel: str) -> Written:
        if (scenario, kernel) not in known:
            captures = captured(scenario, "radix", kernel)
            path = tmp_path_factory.mktemp(scenario) / "report.html"
            ran = klp_debug_run("report", "--html", path, *target(captures))
            assert path.exists(), ran.err
            known[scenario, kernel] = Written(path, captures)
        return known[scenario, kernel]

    return write


@pytest.fixture(
    params=by_tier(covering=SCENARIOS, full=[*SCENARIOS, *MORE_SCENARIOS]), ids="-".join
)
def written(request: pytest.FixtureRequest, pages: Pages) -> Written:
    return pages(*request.param)


@pytest.fixture
def seed(pages: Pages) -> Written:
    return pages("seed_crash", "6.1")


@pytest.fixture
def stalled(pages: Pages) -> Written:
    return pages("stalled", "7.2")
