# SPDX-License-Identifier: GPL-2.0-or-later
"""What every command asks of its target."""

import pytest

from klp_debug.command import COMMANDS
from klp_debug.command.command import Command
from klp_debug.errors import TargetError
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import Build


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_kernel_without_livepatch(command: Command) -> None:
    """Is refused by the commands that have nothing to answer about it, and by no other."""
    view = FakeKernel(Build(livepatch=False)).view()
    needs = command.name in {
        "list",
        "func",
        "transition",
        "arm",
        "disarm",
        "undo",
        "status",
        "journal",
    }
    if needs:
        with pytest.raises(TargetError, match=r"kernel \S+ was built without CONFIG_LIVEPATCH"):
            command.check_kernel(view)
    else:
        command.check_kernel(view)
