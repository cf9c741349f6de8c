# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said where no vmlinux was found: where it was looked for, and which package has it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from drgn import Program

from klp_debug.errors import TargetError
from klp_debug.targets.vmcoreinfo import Vmcoreinfo

_PACKAGES = (
    (r"[\w.~-]+\.(el|fc)\d+\w*(\.\w+)*", "kernel-debuginfo-{}"),
    (r"[\w.+~-]+-powerpc64le(-\w+)?", "linux-image-{}-dbg"),
    (r"[\w.~-]+-default", "kernel-default-debuginfo"),
    (r"[\w.~-]+-generic", "linux-image-unsigned-{}-dbgsym"),
)
"""The shape of a release -> the package: of RHEL and Fedora, Debian, SUSE and Ubuntu."""


def package_of(release: str) -> str | None:
    """
    Return the package that has the vmlinux of a distribution's kernel; None of any other kernel.

    :param release: ``uname -r``

    >>> package_of("4.18.0-147.el8.ppc64le")
    'kernel-debuginfo-4.18.0-147.el8.ppc64le'
    """
    for shape, package in _PACKAGES:
        if re.fullmatch(shape, release, re.ASCII):
            return package.format(release)
    return None


def no_vmlinux(prog: Program, vmcoreinfo: Vmcoreinfo, given: Iterable[Path] = ()) -> TargetError:
    """
    Return the error for a program whose kernel has no debugging information.

    :param given: folders that were searched before those of drgn's
    """
    release = vmcoreinfo.release
    # Some are named twice, by a user too.
    looked = list(dict.fromkeys(str(path) for path in [*given, *_of_drgn(prog, release)]))
    places = f"looked in {', '.join(looked)}" if looked else "no folder that may have it is here"
    if vmcoreinfo.build_id is not None:
        places += f" for build id {vmcoreinfo.build_id}"
    package = package_of(release)
    having = (
        f"package {package} or debuginfod has it"
        if package is not None
        else "its package of debugging information has it, or the folder that it was built in,"
        " or debuginfod"
    )
    return TargetError(
        f"no debugging information for the target's kernel {release}:"
        f" name its vmlinux by --symbols; {places}; {having}"
    )


def _of_drgn(prog: Program, release: str) -> Iterator[Path]:
    """Yield the folders that are there of those in which drgn looks for a vmlinux."""
    options = prog.debug_info_options
    named = [Path(name) for name in options.kernel_directories if name]
    debug = [Path(name) for name in options.directories]
    # An empty name stands for these, and the same below the others.
    usual = [Path("/boot"), Path("/lib/modules") / release] if release else [Path("/boot")]
    for path in [*named, *debug, *(usual if "" in options.kernel_directories else [])]:
        if path.is_dir():
            yield path
