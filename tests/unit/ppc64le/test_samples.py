# SPDX-License-Identifier: GPL-2.0-or-later
"""The samples in the docstrings of ppc64le are true."""

import doctest
import importlib
import pkgutil

import pytest

from klp_debug import ppc64le

MODULES = sorted(module.name for module in pkgutil.iter_modules(ppc64le.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_samples(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(f"klp_debug.ppc64le.{name}"))
    assert failed == 0
    assert tried > 0
