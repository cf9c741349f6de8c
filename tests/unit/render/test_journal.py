# SPDX-License-Identifier: GPL-2.0-or-later
"""The texts of ``status`` and ``journal``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.common import Problem
from klp_debug.result.control import Journal
from klp_debug.result.unknown import Unknown, known
from tests.support.answers.journal import OPERATION, STATUS
from tests.support.answers.kernel import KERNEL
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden

UNREADABLE = Problem("/state/9bb022abbd13581e-4e0f1a5d54b4e7ad.jsonl", "line 3 is torn")
CUT = dataclasses.replace(OPERATION, result="unfinished", in_force=False, forced=())
UNDONE = dataclasses.replace(
    OPERATION, number=2, action="undo", undoes=(1,), in_force=False, forced=(), writes=()
)
JOURNAL = Journal(
    kernel=KERNEL,
    boot="4e0f1a5d54b4e7ad",
    path=STATUS.journal,
    operations=(OPERATION, UNDONE),
    problems=(),
)


def test_what_is_held(golden: Golden) -> None:
    golden("status", "ordinary", as_text(STATUS))
    assert not STATUS.clean


def test_nothing_is_held(golden: Golden) -> None:
    nothing = dataclasses.replace(
        STATUS, held=(), in_force=(), other_boots=(), journal_exists=False
    )
    golden("status", "empty", as_text(nothing))
    assert nothing.clean


def test_what_was_cut_short(golden: Golden) -> None:
    golden("status", "cut-short", as_text(dataclasses.replace(STATUS, unfinished=(CUT,))))


def test_a_boot_that_is_not_known(golden: Golden) -> None:
    lost = Unknown("boot identity: page 0x3ee0000 is not in the dump")
    first, *_ = known(STATUS.held)
    held = dataclasses.replace(first, operation=lost, done_for=lost)
    answer = dataclasses.replace(
        STATUS,
        boot=lost,
        journal=lost,
        journal_exists=lost,
        held=(held, Unknown("list klp_patches: page 0x3ee0000 is not in the dump")),
        unfinished=(lost,),
        in_force=(lost,),
        other_boots=(lost,),
        problems=(UNREADABLE,),
    )
    golden("status", "problems", as_text(answer))
    only = dataclasses.replace(answer, held=answer.held[1:])
    assert "no debugger holds" not in as_text(only)
    assert "whether more are held disarmed is unknown: list klp_patches" in as_text(only)


def test_hostile_names_in_the_status(golden: Golden) -> None:
    every = dataclasses.replace(STATUS, unfinished=(CUT,))
    golden("status", "hostile-names", as_text(with_names(every, HOSTILE)))


def test_long_names_in_the_status(golden: Golden) -> None:
    golden("status", "long-names", as_text(with_names(STATUS, LONG)))


def test_the_journal(golden: Golden) -> None:
    golden("journal", "ordinary", as_text(JOURNAL))
    assert JOURNAL.clean
    assert not dataclasses.replace(
        JOURNAL, operations=(dataclasses.replace(UNDONE, result="unfinished"),)
    ).clean


def test_an_empty_journal(golden: Golden) -> None:
    golden("journal", "empty", as_text(dataclasses.replace(JOURNAL, operations=())))


def test_a_journal_that_cannot_be_found() -> None:
    lost = Unknown("boot identity: page 0x3ee0000 is not in the dump")
    answer = dataclasses.replace(JOURNAL, boot=lost, path=lost, operations=(lost,))
    assert as_text(answer).splitlines()[3:] == [
        "boot cannot be told: cannot be told",
        "",
        f"what was written is unknown: {lost.reason}",
    ]


def test_writes_that_could_not_be_compared(golden: Golden) -> None:
    lost = Unknown("klp_func: page 0x3ee0000 is not in the dump")
    write = dataclasses.replace(OPERATION.writes[0], state=lost)
    taken_back = dataclasses.replace(
        OPERATION, result="taken back", in_force=False, writes=(write,)
    )
    done = dataclasses.replace(OPERATION, number=2, in_force=lost, writes=(write,))
    answer = dataclasses.replace(JOURNAL, operations=(taken_back, done), problems=(UNREADABLE,))
    golden("journal", "problems", as_text(answer))


def test_hostile_names_in_the_journal(golden: Golden) -> None:
    golden("journal", "hostile-names", as_text(with_names(JOURNAL, HOSTILE)))


def test_long_names_in_the_journal(golden: Golden) -> None:
    golden("journal", "long-names", as_text(with_names(JOURNAL, LONG)))
