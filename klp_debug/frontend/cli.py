# SPDX-License-Identifier: GPL-2.0-or-later
"""The shell's front door: ``klp-debug COMMAND [target options] [arguments]``."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from klp_debug.errors import CommandError, TargetError
from klp_debug.frontend.command_parsers import CommandLineParser, add_command_parsers
from klp_debug.frontend.console import CONSOLE_DESCRIPTION
from klp_debug.frontend.debugging import add_debug, traceback_shown
from klp_debug.frontend.drgn_prompt import add_drgn_parser
from klp_debug.frontend.exit import EPILOG, FINDINGS, FINE, UNUSABLE, ending_in_order
from klp_debug.frontend.gdb_prompt import add_gdb_parser
from klp_debug.frontend.progress import progress
from klp_debug.frontend.run import FrontDoor, run
from klp_debug.frontend.target_arguments import add_target_arguments, target_options
from klp_debug.frontend.tell import tell
from klp_debug.targets.opening import open_target
from klp_debug.targets.target import Target


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = CommandLineParser(
        prog="klp-debug",
        description="What does this ppc64le kernel really run when a live-patched function is"
        " called, and if that went wrong, why?",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"klp-debug {version('klp-debug')}")
    commands = top.add_commands()
    for command, sub in add_command_parsers(commands, EPILOG):
        if command.needs_target:
            add_target_arguments(sub)
        sub.set_defaults(enter=_answer)
    console = commands.add_parser(
        "console",
        help="give commands one after the other, to a target opened once",
        description=CONSOLE_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_target_arguments(console)
    add_debug(console)
    console.set_defaults(enter=_run_console)
    add_drgn_parser(commands)
    add_gdb_parser(commands)
    help_ = commands.add_parser(
        "help",
        help="show the help of a command, or list the commands",
        description="`help COMMAND` is `COMMAND --help`, `help` alone is `--help`.",
        allow_abbrev=False,
    )
    help_.add_argument("of", metavar="COMMAND", nargs="?", help="whose help")
    help_.set_defaults(enter=_help)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    args = parser().parse_args(argv)
    try:
        with ending_in_order():
            return int(args.enter(args))
    except (TargetError, CommandError) as error:
        tell(str(error))
        return UNUSABLE
    except BrokenPipeError:
        # The reader (less, head) has gone; what it did not want need not be flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _help(args: argparse.Namespace) -> int:
    return main(["--help"] if args.of is None else [args.of, "--help"])


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[Target]:
    """Open the target that the arguments name; in the end say what it took, if that is wanted."""
    with progress("opening the target"):
        target = open_target(target_options(args), tell)
    with target:
        yield target
    if args.verbose and target.debugger is not None:
        tell(str(target.debugger.traffic))


def _answer(args: argparse.Namespace) -> int:
    answer = run(args.run, args, FrontDoor(opened=lambda: _opened(args)))
    return FINE if answer.clean else FINDINGS


def _run_console(args: argparse.Namespace) -> int:
    # What only the console needs takes every command a fifth of its start.
    from klp_debug.frontend.console.read_lines import run_console

    with traceback_shown(args.debug), _opened(args) as target:
        return run_console(target)
