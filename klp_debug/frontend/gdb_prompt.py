# SPDX-License-Identifier: GPL-2.0-or-later
"""``klp-debug gdb``: GDB with ``klp`` in it."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from klp_debug.errors import TargetError
from klp_debug.frontend.exit import FINE
from klp_debug.targets.gdb.process import GDB

if TYPE_CHECKING:
    from klp_debug.frontend.command_parsers import SubParsers

LOADER = Path(__file__).with_name("gdb") / "klp.py"
"""What GDB sources."""
_ASK_VERSION = "python import sys; print(*sys.version_info[:2], sep='.')"
_SECONDS = 30
_PROGRAM = "--gdb-program"
_DESCRIPTION = """\
Starts GDB with the klp commands in it, and hands it all further arguments: klp-debug gdb vmlinux
vmcore. The GDB must have the same minor version of Python as klp-debug itself. Without
--gdb-program, gdb-multiarch is started, else gdb.
"""


def add_gdb_parser(commands: "SubParsers") -> None:
    """Add ``klp-debug gdb``."""
    sub = commands.add_parser(
        "gdb",
        help="start GDB with the command klp in it",
        usage="klp-debug gdb [--gdb-program PROGRAM] [GDB ARG ...]",
        description=_DESCRIPTION,
        add_help=False,
        # All that follows is GDB's, whatever it looks like.
        prefix_chars="\0",
    )
    sub.add_argument("rest", nargs="*", metavar="GDB ARG", help="GDB's own arguments")
    sub.set_defaults(enter=_enter)
    sub.set_defaults(show_help=sub.format_help)


def _enter(args: argparse.Namespace) -> int:
    rest = list(args.rest)
    if rest[:1] in (["-h"], ["--help"]):
        print(args.show_help(), end="")
        return FINE
    program = next(filter(shutil.which, (GDB, "gdb")), GDB)
    if rest[:1] == [_PROGRAM]:
        if len(rest) < 2:
            raise TargetError(f"{_PROGRAM} names a GDB")
        program = rest[1]
        del rest[:2]
    _check_python(program)
    # What we can import, GDB shall: behind its own, for it has a Python of its own.
    os.environ["KLP_DEBUG_PYTHONPATH"] = os.pathsep.join(folder for folder in sys.path if folder)
    try:
        os.execvp(program, [program, "-iex", f"source {LOADER}", *rest])  # noqa: S606
    except OSError as error:
        raise TargetError(f"{program} cannot be started: {error.strerror}") from None


def _check_python(program: str) -> None:
    """
    See that a GDB has our Python, without which it can load no package of ours.

    :raises TargetError: if it has not
    """
    ours = f"{sys.version_info[0]}.{sys.version_info[1]}"
    try:
        told = subprocess.run(
            [program, "--nx", "--batch", "-ex", _ASK_VERSION],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error.strerror if isinstance(error, OSError) else "it does not answer"
        raise TargetError(
            f"{program} cannot be started ({why}): install gdb-multiarch, or name another GDB by"
            " --gdb-program"
        ) from None
    if not told:
        raise TargetError(f"{program} has no Python: use a GDB that has Python {ours}")
    if told != ours:
        raise TargetError(
            f"{program} has Python {told}, and klp-debug runs in {ours}: install klp-debug for"
            f" Python {told}, or name a GDB with {ours} by --gdb-program"
        )
