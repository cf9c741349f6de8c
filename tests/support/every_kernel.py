# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a test on the captures of scenarios, on each kernel and MMU of the tier that runs."""

import pytest

from tests.support.tier import by_tier, cases

_SOME = ("6.1", "7.2-pcrel", "6.1-nolivepatch")
"""Sites in line with a TOC, out of line without one, and a kernel without livepatch."""


def on_every_kernel(*scenarios: str) -> pytest.MarkDecorator:
    """Give a test the fixture ``captures`` of each kernel and MMU of the scenarios in this tier."""
    return _on([(name, *case) for name in scenarios for case in cases(name)])


def on_some_kernels(*scenarios: str) -> pytest.MarkDecorator:
    """
    Give a test the fixture ``captures`` of a few kernels; in the full product of each.

    For what a command prints that other tests hold to the guest on every kernel.
    """
    every = [(name, *case) for name in scenarios for case in cases(name)]
    some = [case for case in every if case[1] in _SOME and case[2] == "radix"]
    return _on(by_tier(covering=some, full=every))


def _on(cases_: list[tuple[str, str, str]]) -> pytest.MarkDecorator:
    params = [
        pytest.param((name, mmu, kernel), id=f"{name}-{kernel}-{mmu}")
        for name, kernel, mmu in cases_
    ]
    return pytest.mark.parametrize("captures", params, indirect=True)
