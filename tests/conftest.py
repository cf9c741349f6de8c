# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures for tests that need the guest lab; such a test has the marker `lab`."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

import hypothesis
import pytest

from tests.support.tier import cases, run_the_full_product
from vmcores.build.image import Image, image
from vmcores.guest.guest import Guest
from vmcores.host.cache import cache_root
from vmcores.oracle.oracle import Oracle
from vmcores.scenarios.capture import CaptureSet
from vmcores.scenarios.capture import captures as take_captures
from vmcores.scenarios.played_guest import oracle_of, played_guest
from vmcores.scenarios.scenario import load_scenario

# By the clock a test would fail for what else the machine does; what takes too long meets the
# timeout of its test.
hypothesis.settings.register_profile("klp-debug", deadline=None)
hypothesis.settings.load_profile("klp-debug")

pytest_plugins = ["tests.support.golden", "tests.support.schedule"]

# A lab test may have to build a kernel and take captures first, when run on its own.
LAB_SECONDS = 1800

# The programs that tests start are to find their Python compiled, whatever we were started with.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["PYTHONPYCACHEPREFIX"] = str(cache_root() / "pycache")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell ignores Ctrl-C for what it runs in the background; what tests start is to take it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full",
        action="store_true",
        help="the full product of scenarios, kernels, MMUs and captures, not the covering set",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--full"):
        run_the_full_product()


Captured = Callable[..., CaptureSet]
Played = Callable[..., tuple[Guest, Oracle]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only the full product has; a test on a guest has time to build it."""
    if not config.getoption("--full"):
        left_out = [item for item in items if item.get_closest_marker("full")]
        items[:] = [item for item in items if not item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        if item.get_closest_marker("lab") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LAB_SECONDS))


@pytest.fixture(scope="session")
def kernel() -> Callable[[str], Image]:
    """kernel(recipe): the kernel of that recipe, with its modules and user land."""
    return image


@pytest.fixture(scope="session")
def captured() -> Captured:
    """
    captured(scenario, mmu="radix", kernel=None): the captures of a scenario, and its oracle.

    Without a kernel, of the first that the tier plays it with.
    """

    def take(scenario: str, mmu: str = "radix", kernel: str | None = None) -> CaptureSet:
        if kernel is None:
            kernel = next(first for first, other in cases(scenario) if other == mmu)
        return take_captures(load_scenario(scenario), kernel, mmu)

    return take


@pytest.fixture
def captures(request: pytest.FixtureRequest, captured: Captured) -> CaptureSet:
    """The captures that :func:`tests.support.every_kernel.on_every_kernel` asks for."""
    return captured(*request.param)


class _PlayedGuests:
    """The guest that tests of one file share."""

    def __init__(self) -> None:
        self._running = contextlib.ExitStack()
        self._current: dict[tuple[str, str, str], tuple[Guest, Oracle]] = {}

    def start(
        self, name: str, mmu: str = "radix", kernel: str | None = None
    ) -> tuple[Guest, Oracle]:
        scenario = load_scenario(name)
        key = name, mmu, kernel or scenario.kernels[0]
        if key not in self._current:
            self.end()
            guest = self._running.enter_context(played_guest(scenario, key[2], mmu))
            self._current[key] = guest, oracle_of(guest)
        return self._current[key]

    def end(self) -> None:
        self._current.clear()
        self._running.close()


_PLAYED = _PlayedGuests()


@pytest.hookimpl(trylast=True)  # behind the fixtures of the test
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End a guest behind the last test of its file: one that idles takes a tenth of a CPU."""
    if nextitem is None or nextitem.path != item.path:
        _PLAYED.end()


@pytest.fixture(scope="session")
def played() -> Iterator[Played]:
    """
    played(scenario, mmu="radix", kernel=None): a guest after the scenario's steps, and its oracle.

    Without a kernel, one with the scenario's first. The tests of a file share the guest, so they
    must leave it as they found it; asking for another one ends it. A test that changes its guest
    starts one of its own.
    """
    yield _PLAYED.start
    _PLAYED.end()
