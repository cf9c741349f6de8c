# SPDX-License-Identifier: GPL-2.0-or-later
"""A line of a trace names a function as it stands there: the shell makes two words of it."""

import argparse

import pytest

from klp_debug.analysis.view.find_function import parse_name
from klp_debug.command.pasted_name import whole_name
from klp_debug.frontend.cli import parser

PASTED = "int_to_scsilun+0x1c/0x38 [scsi_common]"


def words(*given: str) -> argparse.Namespace:
    return parser().parse_args([*given, "--gdb", "stub"])


@pytest.mark.parametrize(
    "given", [PASTED.split(), [PASTED], ["int_to_scsilun+0x1c/0x38", "scsi-common"]]
)
def test_func_and_site_take_it(given: list[str]) -> None:
    func, site = words("func", *given), words("site", *given)
    expected = parse_name(PASTED)
    assert parse_name(whole_name(func.function, func)) == expected
    assert parse_name(whole_name(site.site, site)) == expected


def test_a_name_alone_is_as_it_was() -> None:
    args = words("func", "scsi_common:int_to_scsilun")
    assert whole_name(args.function, args) == "scsi_common:int_to_scsilun"
