# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a command or its target cannot be used."""


class CommandError(Exception):
    """
    Arguments or input that a command cannot use; the message is one sentence for the user.

    It ends a command with exit code 2.
    """


class TargetError(Exception):
    """
    A target that cannot be used; the message is one sentence for the user.

    It ends a command with exit code 2.
    """


class WriteRefusedError(TargetError):
    """A write that the target does not take; the message names the address and the reason."""


class DebugFileError(TargetError):
    """A file of debugging information alone, where one with instructions is needed."""


class ForeignFileError(TargetError):
    """A file that is not for ppc64le; in a folder such files (a build's own tools) are no error."""
