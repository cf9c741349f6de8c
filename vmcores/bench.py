# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a guest stands still while klp-debug disarms and arms a patch of ten functions."""

import asyncio
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from qemu.qmp import EventListener, QMPClient

from vmcores.errors import LabError
from vmcores.guest.guest import Guest
from vmcores.guest.live_guest import TEN_PATCH, live_guest

FUNCTIONS = 10
WAYS = ("gdb", "gdb and qmp")
ACTIONS = ("disarm", "arm")
TRIES = 30
"""Of a change that is refused, since a task was inside just then."""

_TOLD = re.compile(
    r"it was stopped for (?P<seconds>[\d.]+) s\n(?:.*\n)*?"
    r".*?(?P<trips>\d+) round trips to the stub, (?P<read>\d+) bytes read, (?P<written>\d+) written"
)


class BenchError(LabError):
    """klp-debug did not do what is to be measured."""


@dataclass(frozen=True)
class Measured:
    """One change of ten functions, done several times; each number is the median."""

    kernel: str
    mmu: str
    cpus: int
    way: str
    """What klp-debug reads by: the stub alone, or the fast way through QMP besides."""
    action: str
    pause_ms: float
    """Between QEMU's own events STOP and RESUME."""
    longest_ms: float
    """The longest of them."""
    told_ms: float
    """What klp-debug itself told of the pause."""
    round_trips: int
    """Packets to the stub, each of them answered, from attaching to leaving."""
    bytes_read: int
    bytes_written: int
    runs: int


@dataclass(frozen=True)
class _Run:
    pause_ms: float
    told_ms: float
    round_trips: int
    bytes_read: int
    bytes_written: int


def bench(kernel: str, mmu: str, cpus: int, runs: int) -> Iterator[Measured]:
    """
    Boot a guest and measure, each way, each action.

    Raises BenchError, or what a guest raises.
    """
    with live_guest(kernel, mmu, smp=cpus) as guest:
        for way in WAYS:
            done: dict[str, list[_Run]] = {action: [] for action in ACTIONS}
            for _ in range(runs):
                for action in ACTIONS:
                    done[action].append(_change(guest, way, action))
            for action, each in done.items():
                yield _summary((kernel, mmu, cpus), way, action, each)


def _summary(guest: tuple[str, str, int], way: str, action: str, runs: list[_Run]) -> Measured:
    def median(of: Callable[[_Run], float]) -> float:
        return statistics.median(map(of, runs))

    return Measured(
        *guest,
        way,
        action,
        pause_ms=median(lambda run: run.pause_ms),
        longest_ms=max(run.pause_ms for run in runs),
        told_ms=median(lambda run: run.told_ms),
        round_trips=round(median(lambda run: run.round_trips)),
        bytes_read=round(median(lambda run: run.bytes_read)),
        bytes_written=round(median(lambda run: run.bytes_written)),
        runs=len(runs),
    )


def _change(guest: Guest, way: str, action: str) -> _Run:
    words: list[str | Path] = [Path(sys.executable).with_name("klp-debug"), action, TEN_PATCH]
    words += ["--yes", "--verbose", "--gdb", guest.gdb_socket, "-s", guest.image.vmlinux]
    if way == "gdb and qmp":
        words += ["--qemu", guest.qmp_socket]
    for _ in range(TRIES):
        ran, pause = asyncio.run(_watched(guest.machine.lab_qmp_socket, words))
        if "not safe now" not in ran.stdout:
            break
    told = _TOLD.search(ran.stderr)
    if ran.returncode or told is None or f"{FUNCTIONS} functions; written" not in ran.stdout:
        raise BenchError(f"{action} {TEN_PATCH} did not succeed: {ran.stdout}{ran.stderr}")
    return _Run(
        pause_ms=1000 * pause,
        told_ms=1000 * float(told["seconds"]),
        round_trips=int(told["trips"]),
        bytes_read=int(told["read"]),
        bytes_written=int(told["written"]),
    )


async def _watched(
    qmp: Path, words: list[str | Path]
) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run a command; return it, and for how many seconds QEMU says that the guest was stopped."""
    client = QMPClient("bench")
    await client.connect(str(qmp))
    try:
        with client.listener(names=("STOP", "RESUME")) as listener:
            ran = await asyncio.to_thread(
                subprocess.run, words, capture_output=True, text=True, check=False
            )
            await client.execute("query-status")  # so that the events before it have come
            return ran, _pause(listener)
    finally:
        await client.disconnect()


def _pause(events: EventListener) -> float:
    seconds, since = 0.0, None
    for event in events.clear():
        stamp = cast(dict[str, int], event["timestamp"])
        at = stamp["seconds"] + stamp["microseconds"] / 1e6
        if event["event"] == "STOP":
            since = at
        elif since is not None:
            seconds, since = seconds + at - since, None
    return seconds


def as_text(measured: Measured) -> str:
    """Return one line for a person."""
    kernel = f"{measured.kernel} {measured.mmu}, {measured.cpus} CPUs"
    return (
        f"{kernel}  {measured.way:11}  {measured.action:6}  {measured.pause_ms:6.0f} ms"
        f" (longest {measured.longest_ms:.0f}; told {measured.told_ms:.0f})"
        f"  {measured.round_trips:5} round trips  {measured.bytes_read:8} bytes read"
        f"  {measured.bytes_written:4} written"
    )


def as_json(measured: Measured) -> dict[str, object]:
    """Return all numbers by name."""
    return asdict(measured)
