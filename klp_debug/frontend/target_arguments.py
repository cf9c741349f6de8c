# SPDX-License-Identifier: GPL-2.0-or-later
"""The options that name a target, in the words of drgn's own command line."""

import argparse
from pathlib import Path

from klp_debug.target.options import TargetOptions


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a target to a parser."""
    group = parser.add_argument_group("target")
    which = group.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "-c", "--core", type=Path, metavar="PATH", help="a vmcore, or a memory dump of QEMU's"
    )
    which.add_argument(
        "-k", "--kernel", action="store_true", help="the running kernel, through /proc/kcore"
    )
    which.add_argument(
        "--qemu", metavar="SOCKET", help="a running QEMU guest: its QMP socket, or HOST:PORT"
    )
    group.add_argument(
        "-s",
        "--symbols",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="vmlinux, a .ko, or a folder of them; may be repeated",
    )
    group.add_argument(
        "--kernel-directory",
        type=Path,
        metavar="DIR",
        help="a folder with the kernel's vmlinux and modules, as installed or as built",
    )
    group.add_argument(
        "--vmcoreinfo",
        type=Path,
        metavar="PATH",
        help="vmcoreinfo text to use instead of the target's own",
    )


def target_options(args: argparse.Namespace) -> TargetOptions:
    """Return what the options of :func:`add_target_arguments` say."""
    return TargetOptions(
        core=args.core,
        kernel=args.kernel,
        qemu=args.qemu,
        symbols=tuple(args.symbols),
        kernel_directory=args.kernel_directory,
        vmcoreinfo=args.vmcoreinfo,
    )
