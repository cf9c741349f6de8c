# SPDX-License-Identifier: GPL-2.0-or-later
"""What the log says of the moment when ftrace shut itself off: ``ftrace_bug()``."""

from klp_debug.analysis.crash.log_excerpt import ftrace_bug_lines
from klp_debug.kernel.log import LogRecord

FIRST = "------------[ ftrace bug ]------------"


def records(*texts: str) -> list[LogRecord]:
    return [LogRecord(number * 1_000_000_000, text) for number, text in enumerate(texts)]


def test_from_its_first_line_on() -> None:
    assert ftrace_bug_lines(records("hello", FIRST, "ftrace failed to modify")) == (
        FIRST,
        "ftrace failed to modify",
    )


def test_with_what_came_just_before_it() -> None:
    """powerpc says there which word it found: ``0x...: expected (...) != found (...)``."""
    said = [
        LogRecord(1_000_000_000, "long before"),
        LogRecord(2_000_000_000, "expected"),
        LogRecord(2_050_000_000, FIRST),
    ]
    assert ftrace_bug_lines(said) == ("expected", FIRST)
    assert ftrace_bug_lines(said[2:]) == (FIRST,)


def test_the_first_of_several_and_no_more_than_it_prints() -> None:
    lines = ftrace_bug_lines(records(FIRST, *map(str, range(20)), FIRST))
    assert lines == (FIRST, *map(str, range(7)))


def test_none() -> None:
    assert ftrace_bug_lines(records("hello", "no [ ftrace bug ] here")) == ()
    assert ftrace_bug_lines([]) == ()
