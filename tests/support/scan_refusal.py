# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that ``scan`` refuses, seen without a process of its own."""

from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.result.scan import Scan
from klp_debug.scan.scan import Scanner


def scan(path: Path) -> Scan:
    return Scanner().scan([path], "warning", lambda name: None)


def refused(path: Path) -> str:
    with pytest.raises(TargetError) as error:
        scan(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message
