# SPDX-License-Identifier: GPL-2.0-or-later
"""
Modules.

The loaded modules, and where ppc64 keeps a module's ftrace stubs. Source: include/linux/module.h
and arch/powerpc/include/asm/module.h.
"""

import contextlib
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
from drgn import Object, Program, offsetof, sizeof
from drgn.helpers.linux.module import module_address_regions

from klp_debug.kernel.walk import (
    MAX_ENTRIES,
    WalkError,
    c_array_string,
    c_string,
    for_each_list_entry,
)

_MAX_SECTIONS = 1024
_MODULE_STATE_LIVE, _MODULE_STATE_GOING = 0, 2


def for_each_module(prog: Program) -> Iterator[Object]:
    """
    Iterate over the loaded modules.

    >>> [module_name(module) for module in for_each_module(prog)]
    ['leaf_patch', 'leaf_probe', 'scsi_common']

    :return: iterator of ``struct module *``
    :raises WalkError, drgn.FaultError: where the list is damaged or unreadable
    """
    return for_each_list_entry("struct module", prog["modules"].address_of_(), "list")


def module_name(module: Object) -> str:
    """
    Return a module's name.

    >>> module_name(module)
    'leaf_patch'

    :param module: ``struct module *``
    """
    return c_array_string(module.name)


def module_is_livepatch(module: Object) -> bool:
    """
    Return whether a module was made to be a live patch: ``MODULE_INFO(livepatch, "Y")``.

    >>> module_is_livepatch(module)
    True

    :param module: ``struct module *``
    :raises drgn.FaultError: if it cannot be read
    """
    try:
        return bool(module.klp)
    except AttributeError:  # no CONFIG_LIVEPATCH
        return False


def module_is_initialised(module: Object) -> bool:
    """
    Return whether a module's init function has returned.

    >>> module_is_initialised(module)
    True

    :param module: ``struct module *``
    :raises drgn.FaultError: if it cannot be read
    """
    return module.state.value_() in (_MODULE_STATE_LIVE, _MODULE_STATE_GOING)


def module_references(module: Object) -> int | None:
    """
    Return how many hold a module in the kernel, as ``module_refcount()`` does and lsmod shows.

    >>> module_references(module)
    1

    :param module: ``struct module *``
    :return: -1 while it is removed; None in a kernel that cannot unload modules
    :raises drgn.FaultError: if it cannot be read
    """
    try:
        # A module holds itself: MODULE_REF_BASE.
        return int(module.refcnt.counter.value_()) - 1
    except AttributeError:  # no CONFIG_MODULE_UNLOAD
        return None


def module_ftrace_stubs(module: Object) -> dict[int, str]:
    """
    Return a module's stubs to the ftrace trampolines: address -> member of ``mod->arch``.

    ``tramp_regs`` exists since 4.18.

    >>> {hex(address): member for address, member in module_ftrace_stubs(module).items()}
    {'0xc008000000320108': 'tramp', '0xc008000000320130': 'tramp_regs'}

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


def module_sections(module: Object) -> dict[str, int]:
    """
    Return the addresses of a module's sections by their names, as sysfs shows them.

    drgn knows them too, but not of a module that was loaded since the target was opened. Each name
    is a read of its own, so ask once for a module.

    >>> hex(module_sections(module)['.text'])
    '0xc008000000320000'

    :param module: ``struct module *``
    :return: empty if the kernel keeps no list
    :raises WalkError, drgn.FaultError: if they are damaged or unreadable
    """
    sections: dict[str, int] = {}
    for name, address in _section_attributes(module):
        sections.setdefault(name, address)
    return sections


def _section_attributes(module: Object) -> Iterator[tuple[str, int]]:
    attributes = module.sect_attrs.read_()
    if not attributes:
        return
    if not attributes.type_.type.has_member("nsections"):
        # Since Linux kernel commit d8959b947a8d ("module: sysfs: Drop member
        # 'module_sect_attrs::nsections'") (in v6.14) the list ends in NULL, and since Linux kernel
        # commit 4b2c11e4aaf7 ("module: sysfs: Drop member 'module_sect_attr::address'") (in v6.14)
        # the address is the attribute's own "private".
        pointers = attributes.grp.bin_attrs.read_()
        for index in range(_MAX_SECTIONS):
            pointer = pointers[index].read_()
            if not pointer:
                return
            one = pointer[0].read_()
            yield c_string(one.attr.name), getattr(one, "private").value_()  # noqa: B009
        return
    for index in range(min(attributes.nsections.value_(), _MAX_SECTIONS)):
        one = attributes.attrs[index].read_()
        try:
            # Since Linux kernel commit ed66f991bb19 ("module: Refactor section attr into bin
            # attribute") (in v5.8).
            name = one.battr.attr.name
        except AttributeError:
            name = one.name
        yield c_string(name), one.address.value_()


def module_toc_section(sections: Mapping[str, int]) -> int | None:
    """
    Return the address of the section that a module's TOC begins at: ``mod->arch.toc_section``.

    >>> hex(module_toc_section(module_sections(module)))
    '0xc008000000340000'

    :param sections: of :func:`module_sections`
    :return: None if the module's sections are not known
    """
    return sections.get(".toc") or sections.get(".stubs")


def module_stub_entries(module: Object, sections: Mapping[str, int]) -> npt.NDArray[np.void]:
    """
    Return a module's stubs, those that are in use.

    >>> len(module_stub_entries(module, module_sections(module)))
    5

    :param module: ``struct module *``
    :param sections: of :func:`module_sections`
    :return: array of ``address`` (u64), ``jump`` (7 words), ``magic`` (u32), ``funcdata`` (u64)
    :raises WalkError, drgn.FaultError: if they are damaged or unreadable
    """
    prog = module.prog_
    type_ = prog.type("struct ppc64_stub_entry")
    size = sizeof(type_)
    words = (offsetof(type_, "magic") - offsetof(type_, "jump")) // 4
    layout = np.dtype(
        {
            "names": ["jump", "magic", "funcdata"],
            "formats": [("<u4", (words,)), "<u4", "<u8"],
            "offsets": [offsetof(type_, name) for name in ("jump", "magic", "funcdata")],
            "itemsize": size,
        }
    )
    result = np.dtype(
        [("address", "<u8"), ("jump", "<u4", (words,)), ("magic", "<u4"), ("funcdata", "<u8")]
    )
    start = sections.get(".stubs")
    if start is None:
        return np.empty(0, result)
    count = (_stubs_end(module, start) - start) // size
    if not 0 <= count <= MAX_ENTRIES:
        raise WalkError(f"stubs of {module_name(module)} at {start:#x} have no sensible end")
    entries = np.frombuffer(prog.read(start, count * size), layout)
    try:
        # Since Linux kernel commit b137312fbf2d ("powerpc64/modules: replace stub allocation
        # sentinel with an explicit counter") (in v6.18); before, the first unused one, which is
        # all zero, ends the list.
        used = min(count, module.arch.stub_count.value_())
    except AttributeError:
        unused = np.flatnonzero(entries["funcdata"] == 0)
        used = int(unused[0]) if len(unused) else count
    stubs = np.empty(used, result)
    stubs["address"] = np.uint64(start) + np.arange(used, dtype=np.uint64) * np.uint64(size)
    for name in ("jump", "magic", "funcdata"):
        stubs[name] = entries[name][:used]
    return stubs


def _stubs_end(module: Object, start: int) -> int:
    """Return where a module's ordinary stubs end at the latest."""
    try:
        # Out-of-line stubs take the rest of the section (``setup_ftrace_ool_stubs()``).
        ool_stubs = module.arch.ool_stubs.value_()
    except AttributeError:
        ool_stubs = 0
    if ool_stubs > start:
        return int(ool_stubs)
    for region, size in module_address_regions(module):
        if region <= start < region + size:
            return int(region + size)
    raise WalkError(f"stubs of {module_name(module)} at {start:#x} are in no memory of its own")


def last_unloaded_module(prog: Program) -> str | None:
    """
    Return the name of the module that was removed last; None if none was, or it is not kept.

    >>> last_unloaded_module(prog) is None
    True
    """
    try:
        last = prog["last_unloaded_module"]
    except LookupError:
        return None
    with contextlib.suppress(AttributeError):
        # Since Linux kernel commit 6f1dae1d84b6 ("module: Show the last unloaded module's taint
        # flag(s)") (in v6.1) it is a struct with the taints.
        last = last.name
    return c_array_string(last) or None
