# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that drgn, GDB or a script opened, as a target."""

from drgn import Program, ProgramFlags

from klp_debug.errors import TargetError
from klp_debug.targets.kernel_memory import is_ppc64le
from klp_debug.targets.no_vmlinux import no_vmlinux
from klp_debug.targets.open_core_file import core_file_of
from klp_debug.targets.target import Target
from klp_debug.targets.vmcoreinfo import Vmcoreinfo

_KEY = "klp_debug.targets"
"""In :attr:`drgn.Program.cache`."""


def remember_target(target: Target) -> None:
    """Let :func:`target_of` return this target for its program."""
    target.prog.cache[_KEY] = target


def target_of(prog: Program) -> Target:
    """
    Return the target that a program is; looked at once, then remembered.

    :raises TargetError: if it is no ppc64le Linux kernel, or its debugging information is not
        loaded
    """
    target = prog.cache.get(_KEY)
    if not isinstance(target, Target):
        target = _look_at(prog)
        remember_target(target)
    return target


def _look_at(prog: Program) -> Target:
    if ProgramFlags.IS_LINUX_KERNEL not in prog.flags or not is_ppc64le(prog):
        raise TargetError(f"{_what(prog)}; klp-debug reads ppc64le Linux kernels")
    vmcoreinfo = Vmcoreinfo.from_bytes(prog["VMCOREINFO"].string_())
    try:
        main = prog.main_module()
    except LookupError:
        main = None
    if main is None or main.wants_debug_file():
        raise no_vmlinux(prog, vmcoreinfo)
    core = core_file_of(prog) if ProgramFlags.IS_LIVE not in prog.flags else None
    source = "running kernel"
    if core is not None:
        source = core.kind.value
    elif ProgramFlags.IS_LOCAL not in prog.flags:
        source = "QEMU guest"
    return Target.of(prog, source, vmcoreinfo, core)


def _what(prog: Program) -> str:
    """Say what a program is that is no ppc64le kernel."""
    if prog.platform is None:
        return "this program has no target"
    kernel = ProgramFlags.IS_LINUX_KERNEL in prog.flags
    arch = prog.platform.arch.name.lower().replace("_", "-")
    if arch == "ppc64":
        arch = "ppc64le" if is_ppc64le(prog) else "big-endian ppc64"
    return f"this program is {'the kernel' if kernel else 'no kernel but a process'} of {arch}"
