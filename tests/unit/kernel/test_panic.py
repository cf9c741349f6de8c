# SPDX-License-Identifier: GPL-2.0-or-later
"""What the log says of a crash."""

from klp_debug.kernel.log import LogRecord, oops_reports
from klp_debug.kernel.panic import cpu_of_report, is_panic, panic_message
from tests.support.crashes import asked_for


def log(*texts: str) -> list[LogRecord]:
    return [LogRecord(number, text) for number, text in enumerate(texts)]


def test_message_of_a_panic() -> None:
    records = log("hello", "Kernel panic - not syncing: Attempted to kill init!", "CPU: 0", "end")
    assert panic_message(records) == "Attempted to kill init!"
    assert not asked_for(records)


def test_a_panic_that_follows_from_an_oops_is_part_of_its_report() -> None:
    records = log(
        "BUG: Unable to handle kernel instruction fetch (NULL pointer?)",
        "Oops: Kernel access of bad area, sig: 11 [#1]",
        "---[ end trace 0000000000000000 ]---",
        "",
        "Kernel panic - not syncing: Fatal exception",
        "---[ end Kernel panic - not syncing: Fatal exception ]---",
        "later",
    )
    (report,) = oops_reports(records)
    assert [record.nanoseconds for record in report] == [0, 1, 2, 4, 5]
    assert panic_message(records) == records[0].text


def test_the_last_report_is_of_the_crash() -> None:
    records = log(
        "Oops: Exception in kernel mode, sig: 5 [#1]",
        "---[ end trace 0000000000000000 ]---",
        "life goes on",
        "sysrq: Trigger a crash",
        "Kernel panic - not syncing: sysrq triggered crash",
    )
    assert [len(report) for report in oops_reports(records)] == [2, 1]
    assert panic_message(records) == "sysrq triggered crash"
    assert asked_for(records)


def test_sysrq_without_a_report() -> None:
    assert panic_message(log("a", "SysRq : Trigger a crash")) == "SysRq : Trigger a crash"
    assert asked_for(log("a", "SysRq : Trigger a crash"))


def test_no_crash() -> None:
    assert panic_message(log("a", "b")) is None
    assert panic_message([]) is None
    assert not asked_for([])


def test_the_cpu_of_a_report() -> None:
    """Newer kernels have the user's number in that line too."""
    first = "Oops: Kernel access of bad area, sig: 11 [#1]"
    assert cpu_of_report(log(first, "CPU: 12 PID: 7 Comm: cat Not tainted")) == 12
    assert cpu_of_report(log(first, "CPU: 0 UID: 0 PID: 7 Comm: cat", "CPU: 1 PID: 8")) == 0
    assert cpu_of_report(log(first, "NIP:  c000000000000000 CPU: 1 ")) is None


def test_what_the_kernel_goes_down_with() -> None:
    oops = ("Oops: Kernel access of bad area, sig: 11 [#1]", "---[ end trace 0 ]---")
    assert not is_panic(log(*oops))
    assert is_panic(log(*oops, "Kernel panic - not syncing: Fatal exception"))
