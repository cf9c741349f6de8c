# SPDX-License-Identifier: GPL-2.0-or-later
"""What every answer has in common."""

from typing import Protocol

from klp_debug.result.problem import Problem


class Answer(Protocol):
    """A command's result; a dataclass whose fields are its JSON document."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read."""

    @property
    def clean(self) -> bool:
        """Whether there is nothing in it that a user must look at; else the exit code is 1."""
