# SPDX-License-Identifier: GPL-2.0-or-later
"""How text shows what could not be read."""

import doctest

from klp_debug.render import unknown
from klp_debug.render.unknown import cell, counted, symbol_or, unknown_line
from klp_debug.result.address import Address
from klp_debug.result.unknown import AtLeast, Unknown

CUT = Unknown("list klp_patches: is \x1bcut")
AT = Address(0xC000000000300000)


def test_the_samples_of_the_docstrings_are_true() -> None:
    samples = {"AtLeast": AtLeast, "Unknown": Unknown}
    failed, tried = doctest.testmod(unknown, extraglobs=samples)
    assert (failed, tried) == (0, 2)


def test_a_cell() -> None:
    assert [cell(value) for value in (CUT, None, 0, "x")] == ["unknown", "-", "0", "x"]
    assert cell(None, "nothing") == "nothing"
    assert cell(CUT, "nothing") == "unknown"


def test_an_address_by_its_symbol() -> None:
    assert symbol_or("vfs_read", AT) == "vfs_read"
    assert symbol_or(None, AT) == AT.bare
    assert symbol_or(CUT, AT) == f"{AT.bare} (symbol unknown)"


def test_a_reason_of_the_target_is_escaped() -> None:
    assert unknown_line("a patch", CUT) == "a patch is unknown: list klp_patches: is \\x1bcut"


def test_a_number_with_its_noun() -> None:
    assert counted(1, "patch", "patches") == "1 patch"
    assert counted(AtLeast(2, "x"), "patch", "patches") == "at least 2 patches"
