# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's log, against the guest's console and its own dmesg."""

import re

import pytest

from klp_debug.kernel.log import LogRecord, for_each_log_record
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.conftest import Captured
from tests.support.patched_dumps import on_patched_dumps
from vmcores.build.image import image
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab


def lines(records: list[LogRecord]) -> list[tuple[str, str]]:
    """Return (timestamp, line) as the kernel prints them: each line of a record has its time."""
    return [
        (timestamp(record), line.rstrip()) for record in records for line in record.text.split("\n")
    ]


def timestamp(record: LogRecord) -> str:
    """Return seconds since boot, cut to microseconds as the kernel prints them: ``12.139027``."""
    return f"{record.nanoseconds // 10**9}.{record.nanoseconds % 10**9 // 1000:06d}"


def printed(text: str) -> list[tuple[str, str]]:
    """Return the same of what the kernel printed."""
    return [
        (time, line.rstrip())
        for time, line in re.findall(r"^\[ *(\d+\.\d{6})\] (.*)$", text, re.MULTILINE)
    ]


@on_patched_dumps()
def test_agrees_with_the_console(captured: Captured, kernel: str, mmu: str, kind: str) -> None:
    captures = captured("patched", mmu, kernel)
    console = captures.console_log.read_text(errors="replace").replace("\r", "")
    console, purgatory, _ = console.partition("I'm in purgatory")
    assert purgatory
    said = printed(console)
    assert len(said) > 100
    symbols = (captures.image.kernel.vmlinux,)
    prog = open_target(TargetOptions(core=captures.path(kind), symbols=symbols)).prog
    ours = lines(list(for_each_log_record(prog)))
    if kind.startswith("qemu"):
        # Taken before the crash: the console went on.
        (crash,) = (number for number, line in enumerate(said) if "Trigger a crash" in line[1])
        said = said[:crash]
    # What is of no interest to a console, and the last words of kexec, are in the log alone.
    # The console has twice what it took over from the boot console.
    shown = dict.fromkeys(said)
    assert [line for line in dict.fromkeys(ours) if line in shown] == list(shown)
    assert len(ours) - len(shown) < 60


@pytest.mark.parametrize("kernel", ["6.1", "7.2"])
def test_a_log_that_wrapped(kernel: str) -> None:
    """Records overwrite the oldest, and one of them wraps, or several; dmesg shows the same."""
    with booted_guest(image(kernel)) as guest:
        fill = (
            f"dmesg -n 1; echo on > /proc/sys/kernel/printk_devkmsg; long={'x' * 200}; i=0;"
            " while [ $i -lt 1000 ];"
            ' do echo "filler $i $((i * 7919 % 1000003 << i % 40)) $long"; i=$((i + 1)); done'
            " | while read line; do echo $line > /dev/kmsg; done"
        )
        guest.check(fill)
        said = printed(guest.check("dmesg -s 10000000"))
        options = TargetOptions(qemu=str(guest.qmp_socket), symbols=(guest.image.vmlinux,))
        prog = open_target(options).prog
        ours = lines(list(for_each_log_record(prog)))
        assert said[-1][1].startswith("filler 999 ")
        assert not any("Linux version" in line for _, line in ours)
        assert ours == said
