# SPDX-License-Identifier: GPL-2.0-or-later
"""The options that name a target, in the words of drgn's own command line."""

import argparse
import os
import threading
from contextlib import suppress
from pathlib import Path

from klp_debug.errors import TargetError
from klp_debug.targets.gdb.process import GDB
from klp_debug.targets.gdb.session import GdbOptions
from klp_debug.targets.options import TargetOptions


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a target to a parser."""
    group = parser.add_argument_group("target")
    group.add_argument(
        "-c",
        "--core",
        action="append",
        default=[],
        metavar="PATH",
        help="a vmcore, or a memory dump of QEMU's; of one that makedumpfile split, name each part,"
        " or all by a pattern in quotes",
    )
    group.add_argument(
        "-k", "--kernel", action="store_true", help="the running kernel, through /proc/kcore"
    )
    group.add_argument(
        "--qemu", metavar="SOCKET", help="a running QEMU guest: its QMP socket, or HOST:PORT"
    )
    group.add_argument(
        "--gdb",
        metavar="STUB",
        help="a kernel that is stopped while it is read, through QEMU's gdbstub or KGDB: HOST:PORT,"
        " a unix socket, or /dev/ttyS0[,BAUD]; with --qemu beside it, for the same guest, what is"
        " read goes that way, which is faster",
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
    stub = parser.add_argument_group("with --gdb")
    stub.add_argument(
        "--leave-stopped",
        action="store_true",
        help="leave the target stopped at the end; else it runs again, however the command ends",
    )
    stub.add_argument(
        "--max-pause",
        type=_seconds,
        metavar="SECONDS",
        help="let the target run after that time, whatever is being done then",
    )
    stub.add_argument(
        "--kgdb-enter",
        action="store_true",
        help="first break into KGDB by the sysrq key on the console that --gdb names",
    )
    stub.add_argument(
        "--gdb-program",
        default=GDB,
        metavar="PROGRAM",
        help="the GDB to use (default: %(default)s)",
    )
    stub.add_argument(
        "--verbose",
        action="store_true",
        help="say on stderr how many round trips and bytes it took",
    )


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < threading.TIMEOUT_MAX:
        raise ValueError
    return value


def _files(given: list[str]) -> list[Path]:
    """Return the files of a dump: what is no file itself may be a pattern of their names."""
    files: list[Path] = []
    for text in given:
        path = Path(text)
        matching: list[Path] = []
        if not os.path.lexists(text):
            with suppress(ValueError, OSError):  # it cannot be a pattern
                matching = sorted(Path(path.anchor).glob(text.lstrip("/")))
        files += matching or [path]
    return files


def target_options(args: argparse.Namespace) -> TargetOptions:
    """
    Return what the options of :func:`add_target_arguments` say.

    :raises TargetError: if one is there that makes sense only with ``--gdb``
    """
    gdb = None
    if args.gdb is not None:
        gdb = GdbOptions(
            address=args.gdb,
            program=args.gdb_program,
            enter_kgdb=args.kgdb_enter,
            leave_stopped=args.leave_stopped,
            max_pause=args.max_pause,
        )
    elif args.leave_stopped or args.max_pause is not None or args.kgdb_enter:
        raise TargetError("--leave-stopped, --max-pause and --kgdb-enter are for --gdb only")
    files = _files(args.core)
    return TargetOptions(
        core=files[0] if files else None,
        more_parts=tuple(files[1:]),
        kernel=args.kernel,
        qemu=args.qemu,
        gdb=gdb,
        symbols=tuple(args.symbols),
        kernel_directory=args.kernel_directory,
        vmcoreinfo=args.vmcoreinfo,
    )
