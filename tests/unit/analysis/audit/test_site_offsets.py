# SPDX-License-Identifier: GPL-2.0-or-later
"""Where in their functions the sites are: at one place for leaves, at another behind a TOC."""

import pytest

from klp_debug.analysis.audit.site_offsets import site_offsets
from klp_debug.analysis.audit.sites import Sites
from klp_debug.result.page import SiteOffsets
from klp_debug.result.unknown import Unknown, known
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import MPROFILE, OUT_OF_LINE, PCREL, Build

Row = tuple[str, bool, int | None, int, int]


def rows(kernel: FakeKernel) -> list[Row]:
    found = site_offsets(Sites.of_kernel(kernel.view()))
    return [
        (one.dialect, one.toc_setup, one.offset, one.sites, one.armed)
        for one in found
        if isinstance(one, SiteOffsets)
        and isinstance(one.sites, int)
        and isinstance(one.armed, int)
    ]


def mixed(build: Build) -> FakeKernel:
    """Return a kernel with two functions with TOC set-up and three leaves, one armed of each."""
    kernel = FakeKernel(build)
    functions = [kernel.function(f"f{number}", leaf=number > 1) for number in range(5)]
    kernel.ops("function_trace_call", functions[0], functions[4])
    return kernel


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (
            MPROFILE,
            [
                ("mprofile-kernel (2 instructions)", False, 4, 3, 1),
                ("mprofile-kernel (2 instructions)", True, 12, 2, 1),
            ],
        ),
        (OUT_OF_LINE, [("out-of-line", False, 0, 3, 1), ("out-of-line", True, 8, 2, 1)]),
        (PCREL, [("out-of-line", False, 0, 5, 2)]),
    ],
)
def test_by_dialect_and_toc(build: Build, expected: list[Row]) -> None:
    assert rows(mixed(build)) == expected


def test_those_in_no_function_come_last() -> None:
    kernel = mixed(MPROFILE)
    kernel.without_symbol("f2")
    dialect = "mprofile-kernel (2 instructions)"
    assert rows(kernel) == [
        (dialect, False, 4, 2, 1),
        (dialect, True, 12, 2, 1),
        (dialect, False, None, 1, 0),
    ]


def test_what_cannot_be_read_is_not_counted() -> None:
    kernel = mixed(OUT_OF_LINE)
    kernel.functions["f0"].lose_text()
    found = site_offsets(Sites.of_kernel(kernel.view()))
    counts = [(one.offset, str(one.sites), str(one.armed)) for one in known(found)]
    assert counts == [(0, "at least 3", "at least 1"), (8, "at least 1", "at least 0")]
    assert found[-1] == Unknown("1 site could not be told")


def test_no_sites() -> None:
    assert rows(FakeKernel()) == []
