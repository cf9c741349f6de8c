# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said of a dump that lacks memory."""

import pytest

from klp_debug.targets.not_whole import lost_memory


@pytest.mark.parametrize(
    ("here", "listed", "says"),
    [
        (93, 100, "cut short: 93% of the pages are here"),
        (999_999, 1_000_000, "cut short: 99% of the pages are here"),
        (1, 1000, "cut short: less than 1% of the pages are here"),
        (5, 5, None),
        (0, 0, None),
    ],
)
def test_cut_short(here: int, listed: int, says: str | None) -> None:
    assert lost_memory(here, listed, "of the pages are here", marked=False) == says
