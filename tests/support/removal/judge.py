# SPDX-License-Identifier: GPL-2.0-or-later
"""Judges what came of a command on a dump that lacks something: what it states without ground."""

from tests.support.removal.false_statement import FalseStatement
from tests.support.removal.judge_document import false_in_document, unknown_in_document
from tests.support.removal.judge_lines import false_in_pieces, statements
from tests.support.removal.judge_page import pieces
from tests.support.removal.outcome import Answered, Failed, Outcome, Refused
from tests.support.removal.words import says_unreadable


def false_statements(before: Outcome, after: Outcome) -> list[FalseStatement]:
    """
    Return what a command states that was not read.

    :param before: what came of it on the whole dump
    """
    if isinstance(after, Failed):
        return [FalseStatement("failure", "", "", after.how)]
    if isinstance(after, Refused):
        if after == before or says_unreadable(after.sentence):
            return []
        return [FalseStatement("refusal", "", _told(before), after.sentence)]
    if not isinstance(before, Answered):
        return [FalseStatement("refusal", "", _told(before), "(an answer)")]
    return [
        *false_in_document(before.document, after.document),
        *false_in_pieces("text", statements(before.text), statements(after.text)),
        *_in_page(before, after),
        *_in_exit(before, after),
    ]


def _in_page(before: Answered, after: Answered) -> list[FalseStatement]:
    if before.page is None or after.page is None or before.page == after.page:
        return []
    return false_in_pieces("page", pieces(before.page), pieces(after.page))


def _in_exit(before: Answered, after: Answered) -> list[FalseStatement]:
    """See that an answer that differs says so: by its exit status, and by what it does not know."""
    if before == after:
        return []
    false = []
    if after.clean:
        false.append(FalseStatement("exit", "", "", "it differs, and the exit status is 0"))
    if not unknown_in_document(after.document):
        false.append(
            FalseStatement("exit", "", "", "it differs, and neither a problem nor an unknown tells")
        )
    return false


def _told(outcome: Outcome) -> str:
    return outcome.sentence if isinstance(outcome, Refused) else "(an answer)"
