# SPDX-License-Identifier: GPL-2.0-or-later
"""
What tells a live patch from other modules, whatever its data looks like.

Ordinary modules are full of what begins like a klp_patch: two neighbouring pointers, the first to
``__this_module``, are in each ``file_operations``, each parameter and many a TOC. So no data makes
a live patch of a module that does not say that it is one. Source: ``check_modinfo_livepatch()`` in
kernel/module/main.c, ``klp_enable_patch()`` in kernel/livepatch/core.c; the sections of kpatch in
kmod/patch/kpatch.lds.S, those of klp-build in tools/objtool/include/objtool/klp.h.
"""

from klp_debug.elf.elf_file import Section, is_livepatch_section
from klp_debug.elf.format import SHN_UNDEF
from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.modinfo import ModInfo

KPATCH_SECTION = ".kpatch.funcs"
"""Of what kpatch-build makes: a module, and the object that the module is made of."""
_KLP_BUILD_SECTIONS = (".init.klp_objects", "__klp_objects")
"""
Of what klp-build makes, likewise. The second name was the first one's before Linux kernel commit
b525fcaf0a76 ("livepatch: Free klp_{object,func}_ext data after initialization") (in v6.19).
"""
_ENABLES = ("klp_enable_patch", "klp_register_patch")
"""
One of them the module of a patch calls. The second is gone since Linux kernel commit 958ef1e39d24
("livepatch: Simplify API by removing registration step") (in v5.1).
"""


def is_live_patch(obj: ObjectFile, info: ModInfo) -> bool:
    """
    Return whether a relocatable file says that it is a live patch, or the object of one.

    By its ``.modinfo``, its relocations for livepatch, the section of kpatch-build or klp-build, or
    its call of livepatch.
    """
    if info.livepatch or is_of_kpatch(obj) or klp_build_section(obj) is not None:
        return True
    if any(is_livepatch_section(section) for section in obj.sections):
        return True
    return is_module(obj) and any(
        int(obj.symbol_sections[symbol]) == SHN_UNDEF
        for name in _ENABLES
        for symbol in obj.named_symbols(name)
    )


def is_module(obj: ObjectFile) -> bool:
    """Return whether a relocatable file is a module, which the kernel can load."""
    return obj.named_section(".gnu.linkonce.this_module") is not None


def is_of_kpatch(obj: ObjectFile) -> bool:
    """Return whether kpatch-build made a file."""
    return obj.named_section(KPATCH_SECTION) is not None


def klp_build_section(obj: ObjectFile) -> Section | None:
    """Return the section that names what a file of klp-build's replaces; None in others."""
    sections = map(obj.named_section, _KLP_BUILD_SECTIONS)
    return next((section for section in sections if section is not None), None)
