# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts import: all of it is there, documented, and cheap until used."""

import subprocess
import sys

import pytest

import klp_debug
from klp_debug import library


def test_every_name_is_there() -> None:
    assert klp_debug.__all__ == library.__all__
    for name in klp_debug.__all__:
        assert getattr(klp_debug, name) is getattr(library, name)
    assert set(klp_debug.__all__) <= set(dir(klp_debug))
    with pytest.raises(AttributeError, match="'klp_debug' has no attribute 'nosuch'"):
        klp_debug.nosuch  # noqa: B018


@pytest.mark.parametrize("name", klp_debug.__all__)
def test_every_name_is_documented(name: str) -> None:
    assert getattr(klp_debug, name).__doc__


def test_importing_is_cheap() -> None:
    code = (
        "import sys, klp_debug;"
        "print([name for name in ('drgn', 'numpy', 'capstone', 'rich') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize("place", [-1, 1 << 64])
def test_a_number_that_is_no_address(place: int) -> None:
    with pytest.raises(klp_debug.CommandError, match=f"^{place:#x} is no address: "):
        library._name_or_address(place)
