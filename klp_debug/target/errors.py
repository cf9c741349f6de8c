# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a target cannot be opened."""


class TargetError(Exception):
    """
    A target that cannot be used; the message is one sentence for the user.

    It ends a command with exit code 2.
    """
