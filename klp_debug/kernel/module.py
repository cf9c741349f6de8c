# SPDX-License-Identifier: GPL-2.0-or-later
"""
Modules.

The loaded modules, and where ppc64 keeps a module's ftrace stubs. Source: include/linux/module.h
and arch/powerpc/include/asm/module.h.
"""

from collections.abc import Iterator

from drgn import Object, Program

from klp_debug.kernel.walk import c_array_string, for_each_list_entry


def for_each_module(prog: Program) -> Iterator[Object]:
    """
    Iterate over the loaded modules.

    :return: iterator of ``struct module *``
    :raises WalkError, drgn.FaultError: where the list is damaged or unreadable
    """
    return for_each_list_entry("struct module", prog["modules"].address_of_(), "list")


def module_name(module: Object) -> str:
    """
    Return a module's name.

    :param module: ``struct module *``
    """
    return c_array_string(module.name)


def module_ftrace_stubs(module: Object) -> dict[int, str]:
    """
    Return a module's stubs to the ftrace trampolines: address -> member of ``mod->arch``.

    ``tramp_regs`` exists since Linux 4.18.

    :param module: ``struct module *``
    """
    stubs = {}
    for member in ("tramp", "tramp_regs"):
        try:
            address = module.arch.member_(member).value_()
        except LookupError:  # no such member in this kernel
            continue
        if address:
            stubs[int(address)] = member
    return stubs
