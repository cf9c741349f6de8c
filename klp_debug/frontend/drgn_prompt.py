# SPDX-License-Identifier: GPL-2.0-or-later
"""``klp-debug drgn``: drgn's prompt, or a drgn script, on targets that ``drgn`` cannot open."""

import argparse
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import drgn
from drgn.cli import run_interactive

from klp_debug.errors import TargetError
from klp_debug.frontend.debugging import add_debug, traceback_shown
from klp_debug.frontend.target_arguments import add_target_arguments, target_options
from klp_debug.frontend.tell import tell
from klp_debug.targets.host_program import remember_target
from klp_debug.targets.opening import open_target

if TYPE_CHECKING:
    from klp_debug.frontend.command_parsers import SubParsers


def add_drgn_parser(commands: "SubParsers") -> None:
    """Add ``klp-debug drgn``."""
    sub = commands.add_parser(
        "drgn",
        help="open drgn's prompt on the target, or run a drgn script",
        description="Opens drgn's own prompt, with %%klp in it, on a target that is opened as for"
        " every other command here: also where drgn itself could not. With a script, that runs"
        " instead, as drgn would run it.",
        allow_abbrev=False,
    )
    add_target_arguments(sub)
    add_debug(sub)
    sub.add_argument(
        "script", nargs=argparse.REMAINDER, metavar="SCRIPT [ARG ...]", help="a drgn script"
    )
    sub.set_defaults(enter=_enter)


def _enter(args: argparse.Namespace) -> int:
    with traceback_shown(args.debug):
        target = open_target(target_options(args))
    remember_target(target)
    for problem in target.problems:
        tell(f"{problem.where}: {problem.what}")
    if args.script:
        _run_script(target.prog, args.script)
    else:
        run_interactive(target.prog)
    return 0


def _run_script(prog: drgn.Program, words: list[str]) -> None:
    """Run a script as ``drgn SCRIPT ARG ...`` does: ``prog`` is there, and is the default."""
    script = Path(words[0])
    if not script.is_file():
        raise TargetError(f"{script}: no such script")
    drgn.set_default_prog(prog)
    sys.argv = words
    sys.path.insert(0, str(script.resolve().parent))
    runpy.run_path(str(script), init_globals={"prog": prog}, run_name="__main__")
