# SPDX-License-Identifier: GPL-2.0-or-later
"""``scan``: object files before anything is loaded."""

import argparse
from collections.abc import Callable
from pathlib import Path

from klp_debug.command.command import Argument, Command
from klp_debug.result.common import Answer
from klp_debug.result.scan import LEVELS, Scan
from klp_debug.scan.baseline import read_baseline
from klp_debug.scan.census import FunctionKind
from klp_debug.scan.scan import Scanner


def run(
    args: argparse.Namespace,
    say: Callable[[str], None],
    show: Callable[[Answer], None] | None = None,
) -> Scan:
    """
    Return what the files hold.

    :raises TargetError: if one of them cannot be used
    """
    kinds = None
    if args.leaf:
        kinds = frozenset({FunctionKind.LEAF})
    elif args.functions or args.format == "csv":
        kinds = frozenset(FunctionKind)
    scanner = Scanner(
        against=args.against,
        kinds=kinds,
        accepted=read_baseline(args.baseline) if args.baseline else frozenset(),
    )
    return scanner.scan(args.file, args.fail_on, say, show)


SCAN = Command(
    name="scan",
    summary="say of a .ko, .o or vmlinux which functions can be traced, and check a patch",
    description=(
        "Reads object files before anything is loaded: which functions have an mcount site, at"
        " which offset, and which of them are leaf functions without TOC set-up. Of a livepatch"
        " module it says what will be replaced and, with --against, every hazard: functions that"
        " are not there or have no site, replacements that make sibling calls, relocations out of"
        " range, and more; docs/findings.md of the source tree tells what each kind means and what"
        " to do. Packed modules (.ko.xz, .ko.zst, .ko.gz) are read as they are."
    ),
    run_alone=run,
    formats=("csv", "sarif"),
    arguments=(
        Argument(
            ("file",),
            {
                "nargs": "+",
                "type": Path,
                "metavar": "FILE",
                "help": "a .o, .ko or vmlinux, or a folder of them",
            },
        ),
        Argument(
            ("--against",),
            {
                "nargs": "+",
                "action": "extend",
                "default": [],
                "type": Path,
                "metavar": "FILE",
                "help": "vmlinux, modules, or a folder of them, that hold the functions to be"
                " replaced; may be repeated",
            },
        ),
        Argument(("--functions",), {"action": "store_true", "help": "list each function"}),
        Argument(
            ("--leaf",),
            {"action": "store_true", "help": "list the traceable functions without TOC set-up"},
        ),
        Argument(
            ("--fail-on",),
            {
                "choices": LEVELS,
                "default": "warning",
                "help": "exit with 1 if a hazard is of this level or above (default: warning)",
            },
        ),
        Argument(
            ("--baseline",),
            {
                "type": Path,
                "metavar": "FILE",
                "help": "accept the hazards in FILE, an earlier answer of scan --json",
            },
        ),
    ),
    needs_livepatch=False,
)
