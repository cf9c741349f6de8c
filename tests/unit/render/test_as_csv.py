# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of ``scan``."""

import csv
import dataclasses
import io

from klp_debug.render.as_csv import as_csv
from tests.support.answers.scan import FUNCTIONS, MODULE, PATCH, scan
from tests.support.answers.with_text import HOSTILE, with_text
from tests.support.golden import Golden

ANSWER = scan(dataclasses.replace(MODULE, functions=FUNCTIONS))


def test_functions(golden: Golden) -> None:
    text = as_csv(ANSWER)
    golden("scan", "ordinary", text, kind="csv")
    assert list(csv.reader(io.StringIO(text))) == [
        ["file", "section", "function", "address", "size", "kind", "site", "dialect"],
        ["scsi_common.ko", ".text", "f", "0x0000000000000008", "120", "toc", "12",
         "mprofile-kernel (2 instructions)"],
        ["scsi_common.ko", ".text", "g,\\x1b", "0x0000000000000080", "4", "notrace", "", ""],
    ]  # fmt: skip


def test_files_without_functions(golden: Golden) -> None:
    golden("scan", "empty", as_csv(scan(PATCH)), kind="csv")


def test_hostile_names(golden: Golden) -> None:
    golden("scan", "hostile-names", as_csv(with_text(ANSWER, f'",{HOSTILE}')), kind="csv")
