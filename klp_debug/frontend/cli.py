# SPDX-License-Identifier: GPL-2.0-or-later
"""The shell's front door: ``klp-debug COMMAND [target options] [arguments]``."""

import argparse
import os
import sys
from importlib.metadata import version

from klp_debug.analysis.kernel_view import KernelView
from klp_debug.command.command import Command, CommandError
from klp_debug.frontend.command_parsers import add_command_parsers
from klp_debug.frontend.drgn_prompt import add_drgn_parser
from klp_debug.frontend.progress import progress
from klp_debug.frontend.target_arguments import add_target_arguments, target_options
from klp_debug.render.as_json import as_json
from klp_debug.render.as_text import as_text
from klp_debug.target.errors import TargetError
from klp_debug.target.opening import open_target

_FINE, _FINDINGS, _UNUSABLE = 0, 1, 2
_EPILOG = """\
exit codes:
  0  fine
  1  findings: something could not be read or does not fit together
  2  bad usage, or input that cannot be used
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="klp-debug",
        description="What does this ppc64le kernel really run when a live-patched function is"
        " called, and if that went wrong, why?",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"klp-debug {version('klp-debug')}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for sub in add_command_parsers(commands, _EPILOG):
        add_target_arguments(sub)
        sub.set_defaults(enter=_answer)
    add_drgn_parser(commands)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    args = parser().parse_args(argv)
    try:
        entered: int = args.enter(args)
    except (TargetError, CommandError) as error:
        print(f"klp-debug: {error}", file=sys.stderr)
        return _UNUSABLE
    except BrokenPipeError:
        # The reader (less, head) has gone; what it did not want need not be flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FINE
    except KeyboardInterrupt:
        return 128 + 2
    return entered


def _answer(args: argparse.Namespace) -> int:
    command: Command = args.run
    with progress("opening the target"):
        view = KernelView(open_target(target_options(args)))
    with progress(command.name):
        answer = command.run(view, args)
    print(as_json(answer) if args.json else as_text(answer), flush=True)
    return _FINE if answer.clean else _FINDINGS
