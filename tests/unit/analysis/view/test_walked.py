# SPDX-License-Identifier: GPL-2.0-or-later
"""A walk that did not see all says so wherever its entries are counted or listed."""

from klp_debug.analysis.view.walked import Walked
from klp_debug.result.unknown import AtLeast, Unknown

CUT = Unknown("list klp_ops: is cut")


def test_a_walk_that_saw_all() -> None:
    walked = Walked((1, 2), None)
    assert (list(walked), len(walked), walked.number, walked.listed) == ([1, 2], 2, 2, (1, 2))


def test_a_walk_that_broke_off() -> None:
    walked = Walked((1, 2), CUT)
    assert (list(walked), len(walked)) == ([1, 2], 2)
    assert walked.number == AtLeast(2, CUT.reason)
    assert walked.listed == (1, 2, CUT)


def test_none_of_them_is_said_of_a_complete_walk_only() -> None:
    for missing in (None, CUT):
        walked = Walked((1, 2), missing)
        assert next((item for item in walked if item == 2), walked.missing) == 2
        assert next((item for item in walked if item == 3), walked.missing) is missing
