# SPDX-License-Identifier: GPL-2.0-or-later
"""One QMP command to a guest."""

import asyncio
from pathlib import Path

from qemu.qmp import QMPClient, QMPError

from vmcores.errors import GuestError


def execute(socket: Path, command: str, arguments: dict[str, object] | None = None) -> object:
    """Connect to the QMP SOCKET, run COMMAND and return its answer. Raises GuestError."""

    async def talk() -> object:
        client = QMPClient("lab")
        await client.connect(str(socket))
        try:
            return await client.execute(command, arguments)
        finally:
            await client.disconnect()

    try:
        return asyncio.run(talk())
    except (QMPError, OSError) as error:
        raise GuestError(f"QMP {command}: {error}") from error
