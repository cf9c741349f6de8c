# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests to arm and disarm patches in, and the commands as a front end runs them."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.consent import Consent
from klp_debug.errors import CommandError
from klp_debug.frontend.cli import parser
from klp_debug.result.control import Change
from klp_debug.targets.target import Target
from tests.support.stopped_guest import Stub, stopped
from tests.support.tier import by_tier
from vmcores.guest.guest import Guest
from vmcores.guest.live_guest import live_guest as live_guest_of_lab
from vmcores.guest.qmp import execute

CASES = by_tier(
    covering=[("6.1", "hash"), ("7.2", "radix")],
    full=[("6.1", "radix"), ("6.1", "hash"), ("6.12", "radix"), ("7.2", "radix")],
)
"""Kernel and MMU: sites in line and out of line, and the MMU that has page tables of its own."""
ORIGINALS = " ".join(str(1000 + number) for number in range(10))
REPLACEMENTS = " ".join(str(2000 + number) for number in range(10))
TEN = [f"ten_function_{number} [ten_functions]" for number in range(10)]
PATIENCE = 60
"""Seconds until it must have become safe to write."""


@contextmanager
def live_guest(kernel: str, mmu: str = "radix", *, smp: int = 2) -> Iterator[Guest]:
    """Boot a guest with ten functions, which ten_patch replaces."""
    with live_guest_of_lab(kernel, mmu, smp=smp) as guest:
        assert ten(guest) == REPLACEMENTS
        yield guest


def ten(guest: Guest) -> str:
    """Return what the ten functions return when they are called."""
    return guest.check("head -1 /proc/ten_functions").strip()


def counts(guest: Guest) -> tuple[int, int, int]:
    """Return how many calls gave the original's value, the replacement's, and another."""
    told = guest.check("tail -1 /proc/ten_functions")
    found = re.match(r"original (\d+) replacement (\d+) other (\d+) ", told)
    assert found, told
    original, replacement, other = map(int, found.groups())
    return original, replacement, other


def run(
    target: Target,
    *words: str,
    confirm: Callable[[Change], bool] | None = None,
    show: Callable[[Change], None] = lambda plan: None,
) -> Any:
    """Return the answer of a command."""
    args = parser().parse_args([*words, "--qemu", "opened already"])
    return args.run.run(KernelView(target), args, Consent(confirm=confirm, show=show))


def refusal(target: Target, *words: str) -> str:
    """Return the sentence of a command that its arguments end."""
    try:
        answer = run(target, *words)
    except CommandError as error:
        return str(error)
    raise AssertionError(answer)


def change(guest: Guest, *words: str) -> tuple[Change, Stub]:
    """Stop the guest, make a change, and let it run on; again, while it is not safe."""
    end = time.monotonic() + PATIENCE
    while True:
        with stopped(guest) as (target, stub):
            answer: Change = run(target, *words, "--yes")
        if answer.outcome != "refused" or not answer.objections or time.monotonic() > end:
            return answer, stub


def done(guest: Guest, *words: str) -> Change:
    """Make a change that must succeed."""
    answer, _ = change(guest, *words)
    assert answer.outcome == "done", answer
    assert answer.problems == ()
    return answer


def pid_of(guest: Guest) -> int:
    """Return QEMU's process id."""
    return guest.pid


def running(guest: Guest) -> bool:
    """Return whether the guest runs, by QEMU's own word."""
    status = execute(guest.machine.lab_qmp_socket, "query-status")
    assert isinstance(status, dict)
    return bool(status["running"])
