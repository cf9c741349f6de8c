# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a test on the captures of scenarios, on each kernel and MMU of the tier that runs."""

import pytest

from tests.support.tier import cases


def on_every_kernel(*scenarios: str) -> pytest.MarkDecorator:
    """Give a test the fixture ``captures`` of each kernel and MMU of the scenarios in this tier."""
    params = [
        pytest.param((name, mmu, kernel), id=f"{name}-{kernel}-{mmu}")
        for name in scenarios
        for kernel, mmu in cases(name)
    ]
    return pytest.mark.parametrize("captures", params, indirect=True)
