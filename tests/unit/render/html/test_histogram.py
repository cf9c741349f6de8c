# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the mcount sites are, as bars; however many places a damaged kernel tells of."""

import dataclasses

import pytest

from klp_debug.render.html.histogram import bars
from klp_debug.result.page import SiteOffsets
from tests.support.answers.page import DIALECT, PAGE
from tests.support.parsed import find, parse, text


def test_a_bar_for_each_place() -> None:
    (table,) = find(parse(PAGE), "table", class_="histogram")
    rows = [[text(cell) for cell in row] for row in find(table, "tr")]
    assert rows == [
        ["Offset from the global entry point", "Sites", "Armed", "Share"],
        [DIALECT],
        ["+0x4, no TOC set-up before it", "1704", "1", "1704 of 15298 sites"],
        ["+0xc, behind the TOC set-up", "13442", "2", "13442 of 15298 sites"],
        [
            "in no symbol; most likely weak functions that the linker dropped",
            *("155", "", "155 of 15298 sites"),
        ],
    ]
    widths = [float(rect.attrib["width"]) for rect in find(table, "rect")]
    assert widths == pytest.approx([100 * 1704 / 13442, 100, 100 * 155 / 13442], abs=0.01)


def test_one_among_many_is_seen() -> None:
    few = SiteOffsets(dialect=DIALECT, toc_setup=False, offset=8, sites=1, armed=0)
    many = dataclasses.replace(few, offset=4, sites=1_000_000)
    assert [bar.width for bar in bars((many, few)).bars] == [100, 0.5]


def test_too_many_places() -> None:
    offsets = tuple(
        SiteOffsets(dialect=DIALECT, toc_setup=False, offset=4 * number, sites=number + 1, armed=0)
        for number in range(1000)
    )
    histogram = bars(offsets)
    # Those with the most sites, still by offset.
    assert [bar.sites for bar in histogram.bars] == list(range(977, 1001))
    assert histogram.more == 976
    assert histogram.sites_there == sum(range(1, 977))
    page = dataclasses.replace(PAGE, offsets=offsets)
    (section,) = find(parse(page), "section", id="sites")
    assert text(section).endswith("476776 sites are at 976 other offsets.")
