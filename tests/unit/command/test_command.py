# SPDX-License-Identifier: GPL-2.0-or-later
"""What every command asks of its target."""

import pytest

from klp_debug.command import COMMANDS
from klp_debug.command.command import Command
from klp_debug.control.consent import Consent
from klp_debug.errors import TargetError
from klp_debug.frontend.cli import parser
from klp_debug.render.as_json import as_json
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import Build


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_kernel_without_livepatch(command: Command) -> None:
    """Is refused by the commands that have nothing to answer about it, and by no other."""
    view = FakeKernel(Build(livepatch=False)).view()
    needs = command.name in {"arm", "disarm", "undo", "status", "journal"}
    if needs:
        with pytest.raises(TargetError, match=r"kernel \S+ was built without CONFIG_LIVEPATCH"):
            command.check_kernel(view)
    else:
        command.check_kernel(view)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_types_that_the_debugging_information_lacks(command: Command) -> None:
    """The kernel's own symbols tell that it has livepatch: no command answers as if it had not."""
    kernel = FakeKernel(Build(livepatch=False))
    kernel.function("klp_enable_patch")
    with pytest.raises(TargetError, match="though the kernel has livepatch: it is reduced"):
        command.check_kernel(kernel.view())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("list", ["--all"]),
        ("func", ["f"]),
        ("site", ["f"]),
        ("transition", []),
        ("ops", []),
        ("audit", []),
        ("report", []),
        ("bt", ["10"]),
    ],
)
def test_what_answers_on_a_kernel_without_livepatch(name: str, words: list[str]) -> None:
    """What the kernel has not is no problem, and nothing unknown."""
    kernel = FakeKernel(Build(livepatch=False))
    kernel.function("f")
    kernel.task(10, "cat").sleeps(kernel.functions["f"].address + 0x20)
    kernel.variable("ftrace_enabled", "int", 1)
    args = parser().parse_args([name, *words, "--core", "opened already"])
    answer = args.run.run(kernel.view(), args, Consent(confirm=None, show=lambda plan: None))
    assert answer.problems == ()
    assert answer.clean
    assert "unknown" not in as_json(answer)
