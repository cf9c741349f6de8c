# SPDX-License-Identifier: GPL-2.0-or-later
"""What to open, in the words of drgn's own command line."""

from dataclasses import dataclass
from pathlib import Path

from klp_debug.targets.gdb.session import GdbOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions:
    """
    ``core``, ``kernel``, ``qemu`` or ``gdb`` names the target.

    Exactly one of them; but ``qemu`` beside ``gdb`` is the faster way into the same guest.
    """

    core: Path | None = None
    """A vmcore or a QEMU memory dump, or one part of a split vmcore."""
    more_parts: tuple[Path, ...] = ()
    """The other parts of a split vmcore."""
    kernel: bool = False
    """The running kernel, through ``/proc/kcore``."""
    qemu: str | None = None
    """A QMP socket of QEMU: a unix socket's path, or ``host:port``."""
    gdb: GdbOptions | None = None
    """The stub of QEMU or of KGDB."""
    symbols: tuple[Path, ...] = ()
    """vmlinux, .ko files, or folders of them."""
    kernel_directory: Path | None = None
    """A folder with a kernel's vmlinux and modules, as drgn's ``--kernel-directory``."""
    vmcoreinfo: Path | None = None
    """A file with vmcoreinfo text, to use instead of what the target holds."""
