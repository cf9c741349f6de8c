# SPDX-License-Identifier: GPL-2.0-or-later
"""The shell's front door: ``klp-debug COMMAND [target options] [arguments]``."""

import argparse
import os
import sys
from importlib.metadata import version

from klp_debug.analysis.kernel_view import KernelView
from klp_debug.command import COMMANDS
from klp_debug.command.command import Command, CommandError
from klp_debug.frontend.progress import progress
from klp_debug.frontend.target_arguments import add_target_arguments, target_options
from klp_debug.render.formats import FORMATS
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
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name,
            help=command.summary,
            description=command.description,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(sub)
        if command.needs_target:
            add_target_arguments(sub)
        formats = sub.add_mutually_exclusive_group()
        for name in ("json", *command.formats):
            formats.add_argument(f"--{name}", action="store_true", help=FORMATS[name].help)
        sub.set_defaults(run=command)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    args = parser().parse_args(argv)
    try:
        return _run(args.run, args)
    except (TargetError, CommandError) as error:
        print(f"klp-debug: {error}", file=sys.stderr)
        return _UNUSABLE
    except BrokenPipeError:
        # The reader (less, head) has gone; what it did not want need not be flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FINE
    except KeyboardInterrupt:
        return 128 + 2


def _run(command: Command, args: argparse.Namespace) -> int:
    view = None
    if command.needs_target:
        with progress("opening the target"):
            view = KernelView(open_target(target_options(args)))
    with progress(command.name) as say:
        answer = command.run(view, args, say)
    chosen = next((name for name in ("json", *command.formats) if getattr(args, name)), "text")
    print(FORMATS[chosen].render(answer), flush=True)
    return _FINE if answer.clean else _FINDINGS
