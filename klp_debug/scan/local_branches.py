# SPDX-License-Identifier: GPL-2.0-or-later
"""
Branches into the middle of a function of the same module: the module loader moves their targets.

To a REL24 relocation it adds the local entry offset of a symbol that the module has, because a call
of a function of the same module goes to its local entry point. It does so whatever the addend is.
Source: ``apply_relocate_add()`` in arch/powerpc/kernel/module_64.c.
"""

import numpy as np

from klp_debug.elf.format import R_PPC64_REL24, SHN_LIVEPATCH, SHN_UNDEF
from klp_debug.elf.object_file import ObjectFile
from klp_debug.ppc64le.entry_words import offsets_by_symbol
from klp_debug.scan import hazards
from klp_debug.scan.hazard_log import HazardLog

_MOST = 64
"""Branches of a file that are told one by one."""


def check_local_branches(obj: ObjectFile, log: HazardLog) -> None:
    """Note the branches of a module that will land behind where they are to."""
    told = 0
    for section in obj.sections:
        if not section.is_text:
            continue
        rows = obj.relocations(section.index)
        rows = rows[(rows["type"] == R_PPC64_REL24) & (rows["addend"] != 0)]
        rows = rows[rows["symbol"] < len(obj.symbols)]
        if not len(rows):
            continue
        offsets = offsets_by_symbol(obj.symbols["other"][rows["symbol"]])
        outer = np.isin(obj.symbol_sections[rows["symbol"]], (SHN_UNDEF, SHN_LIVEPATCH))
        for index in np.flatnonzero((offsets != 0) & ~outer)[: _MOST - told].tolist():
            row, too_far = rows[index], int(offsets[index])
            name, addend = obj.symbol_name(int(row["symbol"])), int(row["addend"])
            log.add(
                hazards.BRANCH_TOO_FAR,
                f"{section.name}+{int(row['offset']):#x}",
                f"a branch to {name}{addend:+#x} will go to {name}{addend + too_far:+#x}",
            )
            told += 1
