# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which worker runs a test: one has all tests of a file on one kernel and MMU.

So a dump is opened, and a guest started, once for them. The marker ``xdist_group`` would say the
same; since pytest 9.1 pytest-xdist 3.8 does not see it, and says nothing.
"""

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_SUBJECT = re.compile(r"(?<![\d.])\d\.\d+(-4k|-pcrel|-nolivepatch)?(-radix|-hash)?(?![\w.])")
"""A kernel, and with what MMU, in the parameters of a test."""


def scope_of(nodeid: str) -> str:
    """
    Return the name of what one worker has as a whole.

    >>> scope_of("tests/guests/answers/test_transition.py::test_text[stalled-7.2-radix]")
    'tests/guests/answers/test_transition.py 7.2-radix'
    """
    file, _, name = nodeid.partition("::")
    subject = _SUBJECT.search(name)
    return f"{file} {subject[0]}" if subject else file


class OneSubjectOneWorker(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps together what is of one scope."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneSubjectOneWorker | None:
    """Let xdist schedule by scope where it is run with ``--dist loadscope``."""
    return OneSubjectOneWorker(config, log) if config.getvalue("dist") == "loadscope" else None
