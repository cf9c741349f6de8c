# SPDX-License-Identifier: GPL-2.0-or-later
"""What to open, in the words of drgn's own command line."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """Exactly one of ``core``, ``kernel`` and ``qemu`` names the target."""

    core: Path | None = None
    """A vmcore or a QEMU memory dump."""
    kernel: bool = False
    """The running kernel, through ``/proc/kcore``."""
    qemu: str | None = None
    """A QMP socket of QEMU: a unix socket's path, or ``host:port``."""
    symbols: tuple[Path, ...] = ()
    """vmlinux, .ko files, or folders of them."""
    kernel_directory: Path | None = None
    """A folder with a kernel's vmlinux and modules, as drgn's ``--kernel-directory``."""
    vmcoreinfo: Path | None = None
    """A file with vmcoreinfo text, to use instead of what the target holds."""
