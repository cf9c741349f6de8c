# SPDX-License-Identifier: GPL-2.0-or-later
"""QMP sockets that do not answer."""

import socket
from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.targets import qmp


def test_another_client_is_connected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As QEMU does it: the second client is connected, and hears nothing."""
    monkeypatch.setattr(qmp, "_PATIENCE", 0.1)
    path = str(tmp_path / "qmp")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        with pytest.raises(TargetError, match="another may be connected"):
            qmp.Qmp(path)


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        qmp.Qmp(str(tmp_path / "qmp"))
