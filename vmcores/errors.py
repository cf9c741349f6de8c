# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab raises when it cannot go on."""

from pathlib import Path


class LabError(Exception):
    """Something the user has to know; the message is one clear sentence."""


class StepFailedError(LabError):
    """A command of a stage failed; names the stage and the log."""

    def __init__(self, title: str, status: int, log: Path) -> None:
        super().__init__(f"stage '{title}' failed with status {status}; its log is {log}")
        self.title = title
        self.status = status
        self.log = log


class GuestError(LabError):
    """The guest did not boot, died, or a command in it failed."""


class ScenarioError(LabError):
    """A scenario file is wrong, or what it promises was not true in the guest."""
