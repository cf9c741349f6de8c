# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a test on the captures of scenarios, on each kernel and MMU that they are for."""

import pytest

from vmcores.scenarios.scenario import load_scenario


def on_every_kernel(*scenarios: str) -> pytest.MarkDecorator:
    """Give a test the fixture ``captures`` of each kernel and MMU that the scenarios are for."""
    cases = [
        pytest.param((name, mmu, kernel), id=f"{name}-{kernel}-{mmu}")
        for name in scenarios
        for kernel, mmu in load_scenario(name).cases()
    ]
    return pytest.mark.parametrize("captures", cases, indirect=True)
