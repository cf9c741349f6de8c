# SPDX-License-Identifier: GPL-2.0-or-later
import logging

import pytest

from klp_debug.errors import TargetError
from klp_debug.targets.drgn_log import held_warnings

LOGGER = logging.getLogger("drgn")


def test_told_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    with held_warnings():
        LOGGER.warning("ignoring module")
        assert caplog.messages == []
    assert caplog.messages == ["ignoring module"]
    LOGGER.warning("later")
    assert caplog.messages == ["ignoring module", "later"]


def test_dropped_for_an_error(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(TargetError), held_warnings():  # noqa: PT012 - a warning, then the error
        LOGGER.warning("ignoring module")
        raise TargetError("the target runs")
    LOGGER.warning("later")
    assert caplog.messages == ["later"]
