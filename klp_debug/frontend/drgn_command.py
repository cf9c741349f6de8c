# SPDX-License-Identifier: GPL-2.0-or-later
"""
``%klp`` in drgn's prompt, ``klp`` in its crash mode.

Every drgn session imports this module, whatever it looks at; what the commands need is imported
when one is used.
"""

import argparse
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from drgn import Program
from drgn.commands import (
    DEFAULT_COMMAND_NAMESPACE,
    CommandArgumentError,
    CommandError,
    ParsedCommand,
    parse_shell_command,
)

if TYPE_CHECKING:
    from klp_debug.result.common import Answer


class KlpCommand:
    """Implements :class:`drgn.commands.Command`."""

    def description(self) -> str:
        """Return one line for lists of commands."""
        return "show what a ppc64le kernel really runs when a live-patched function is called"

    def format_usage(self) -> str:
        """Return how it is called."""
        return _parser().format_usage().removeprefix("usage: ").rstrip()

    def format_help(self, *, indent: str = "") -> str:
        """Return its help behind the usage."""
        parser = _parser()
        text = parser.format_help().removeprefix(parser.format_usage()).strip()
        return textwrap.indent(text, indent)

    def enabled(self, prog: Program) -> bool:
        """Return True: for a program that is not ours, it says why it cannot run."""
        return True

    def parse(self, source: str, /) -> ParsedCommand[Sequence[str]]:
        """Split what follows ``klp`` into words, redirections and a pipeline."""
        return parse_shell_command(source)

    def run(self, prog: Program, name: str, args: Sequence[str], /, **_: Any) -> "Answer | None":
        """
        Print the answer and return it, so that it is ``_`` in drgn's prompt.

        :raises drgn.commands.CommandError: with one sentence, which drgn prints
        """
        from klp_debug.frontend.hosted_commands import HelpShown, HostedError, UsageError, answer
        from klp_debug.targets.host_program import target_of

        try:
            # Without a command, tell which there are.
            return answer(_parser(), lambda: target_of(prog), args or ["--help"])
        except HelpShown:
            return None
        except UsageError as error:
            raise CommandArgumentError(str(error)) from None
        except HostedError as error:
            raise CommandError(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    from klp_debug.frontend.hosted_commands import hosted_parser

    return hosted_parser(
        "klp", "Output goes where drgn sends it (| and >), and is `_` as Python objects."
    )


def register() -> None:
    """Let drgn's prompts find the command."""
    DEFAULT_COMMAND_NAMESPACE.register("klp", KlpCommand())
    # drgn has no public name for that of its crash mode: without it, only that mode lacks klp.
    with suppress(ImportError):
        from drgn.commands._crash.common import CRASH_COMMAND_NAMESPACE

        CRASH_COMMAND_NAMESPACE.register("klp", KlpCommand())
