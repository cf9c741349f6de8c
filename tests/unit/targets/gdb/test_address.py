# SPDX-License-Identifier: GPL-2.0-or-later
"""What --gdb names, and whether somebody is there already."""

import os
import socket
from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.targets.gdb import address as address_module
from klp_debug.targets.gdb.address import StubAddress


def taken(address: StubAddress) -> bool:
    """Return whether it is taken, without a long wait for somebody who may just have gone."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(address_module, "_GONE_SECONDS", 0.1)
        return address.taken()


def test_tcp() -> None:
    assert StubAddress.parse("host.example:1234").place == "host.example:1234"
    assert StubAddress.parse(":1234").place == "localhost:1234"


def test_serial_device() -> None:
    master, slave = os.openpty()
    name = os.ttyname(slave)
    for suffix, baud in (("", 115200), (",9600", 9600), (",9600n8", 9600)):
        address = StubAddress.parse(name + suffix)
        assert (address.kind, address.place, address.baud) == ("serial", name, baud)
    assert not address.taken()
    os.close(slave)
    os.close(master)


def test_what_is_none(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="No such file"):
        StubAddress.parse(str(tmp_path / "none"))
    with pytest.raises(TargetError, match="neither a socket nor a serial device"):
        StubAddress.parse(str(tmp_path))


def test_a_unix_socket_that_somebody_is_connected_to(tmp_path: Path) -> None:
    place = tmp_path / "stub"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(str(place))
        listener.listen()
        address = StubAddress.parse(str(place))
        assert address.kind == "unix"
        assert not address.taken()
        client.connect(str(place))
        with listener.accept()[0]:
            assert taken(address)
        assert not address.taken()


def test_a_local_port_that_somebody_is_connected_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = StubAddress.parse(f"127.0.0.1:{listener.getsockname()[1]}")
        assert not address.taken()
        with socket.create_connection(listener.getsockname()), listener.accept()[0]:
            assert taken(address)
