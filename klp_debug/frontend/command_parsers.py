# SPDX-License-Identifier: GPL-2.0-or-later
"""A parser for each command: what every front door says and takes."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from klp_debug.command import COMMANDS

if TYPE_CHECKING:
    # Generic for type checkers alone.
    SubParsers = argparse._SubParsersAction[Any]  # noqa: SLF001 - it has no public name


def add_command_parsers(
    commands: "SubParsers", epilog: str | None = None
) -> Iterator[argparse.ArgumentParser]:
    """
    Add a subparser for each command, with the command's own arguments and ``--json``.

    Parsed arguments then hold the command as ``run``.

    :param epilog: the end of each command's help
    :return: the subparsers, for the front door to add arguments of its own
    """
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name,
            help=command.summary,
            description=command.description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(sub)
        yield sub
        sub.add_argument("--json", action="store_true", help="print a JSON document")
        sub.set_defaults(run=command)
