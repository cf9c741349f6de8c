# SPDX-License-Identifier: GPL-2.0-or-later
"""The two GDBs: the host's, and that of a newer Debian."""

from collections.abc import Iterator

import pytest

from tests.support.gdb_process import run_by
from tests.support.tier import by_tier
from vmcores.host.newer_gdb import newer_gdb


@pytest.fixture(scope="module", params=by_tier(covering=["host"], full=["host", "newer"]))
def each_gdb(request: pytest.FixtureRequest) -> Iterator[None]:
    """All that a module runs is run by one GDB; in the full product, then by the other."""
    if request.param == "host":
        yield
        return
    with run_by(newer_gdb().gdb):
        yield
