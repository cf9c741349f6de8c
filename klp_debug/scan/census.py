# SPDX-License-Identifier: GPL-2.0-or-later
"""Each function of an object file: whether ftrace can hook it, where, and whether it has a TOC."""

import enum
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from klp_debug.elf.function_debug_info import FunctionDebugInfo
from klp_debug.elf.object_file import ObjectFile
from klp_debug.ppc64le.instruction import NOP
from klp_debug.ppc64le.site import Dialect
from klp_debug.ppc64le.site_words import DIALECTS, site_dialects
from klp_debug.result.scan import FunctionKindName, TocSetup
from klp_debug.scan.compile_units import units_of
from klp_debug.scan.functions import Functions, Integers, functions_of
from klp_debug.scan.site_table import SiteTable, site_table_of


class FunctionKind(enum.IntEnum):
    """What ftrace can do with a function."""

    LEAF = 0
    """It has a site, and sets no TOC before it: r2 there is still the caller's."""
    TOC = 1
    """It has a site behind its TOC set-up."""
    NOTRACE = 2
    """
    It has no site, though others of its compile unit have: ``notrace``, or in a section such as
    .noinstr.text. Where the units are not known (no .debug_aranges), others of the file.
    """
    NO_SITE = 3
    """It has none, nor has any other of its unit: assembler, or compiled without ftrace."""
    UNLISTED = 4
    """It was compiled with a site that no list names, so that ftrace does not know it."""


KIND_NAMES: dict[FunctionKind, FunctionKindName] = {
    FunctionKind.LEAF: "leaf",
    FunctionKind.TOC: "toc",
    FunctionKind.NOTRACE: "notrace",
    FunctionKind.NO_SITE: "no-site",
    FunctionKind.UNLISTED: "unlisted",
}


@dataclass(frozen=True, kw_only=True)
class Census:
    """The functions of one object file, with their sites."""

    obj: ObjectFile
    functions: Functions
    sites: SiteTable
    site: Integers
    """Bytes from each function's global entry point to its site; -1 without one."""
    kinds: npt.NDArray[np.uint8]
    """Of :class:`FunctionKind`."""
    dialects: npt.NDArray[np.uint8]
    """Each function's dialect, as an index into :data:`DIALECTS`; 0 without a site."""
    patchable_entry: npt.NDArray[np.bool_]
    """Whether each function begins with two nops as those of the list do."""
    outside: int
    """How many sites are in no function: of weak functions that the linker dropped."""

    @cached_property
    def debug_info(self) -> FunctionDebugInfo:
        """What debugging information says of single functions; read when it is asked."""
        return FunctionDebugInfo(self.obj.with_debug_info)

    @property
    def pcrel(self) -> bool:
        """Whether this code addresses data relative to the PC, and has no TOC at all."""
        functions = self.functions
        return bool(functions.pcrel.any()) and not bool(functions.toc_setup.any())

    @property
    def file_name(self) -> str:
        """Return what a user knows the file by: ``vmlinux``, or its name."""
        return "vmlinux" if self.obj.kind == "executable" else self.obj.path.name

    def name(self, function: int) -> str:
        """Return a function's name."""
        return self.obj.symbol_name(int(self.functions.symbol[function]))

    def section_name(self, function: int) -> str:
        """Return the name of a function's section."""
        return self.obj.sections[int(self.functions.section[function])].name

    def toc_setup(self, function: int) -> TocSetup:
        """Return how a function gets its TOC, as :mod:`klp_debug.ppc64le.entry` names it."""
        if self.functions.toc_setup[function]:
            return "r12"
        return "pcrel" if self.pcrel else "none"

    def dialect(self) -> str:
        """Return the dialects of all sites; ``none`` if there is no site."""
        counts = np.bincount(self.dialects[self.site >= 0], minlength=len(DIALECTS))
        most_first = np.argsort(-counts)
        return ", ".join(DIALECTS[index] for index in most_first if counts[index]) or "none"


def take_census(obj: ObjectFile) -> Census:
    """Join the functions of an object file with its sites."""
    functions, sites = functions_of(obj), site_table_of(obj)
    covered = functions.covering(sites.section, sites.offset)
    site = np.full(len(functions), -1, np.int64)
    # Backwards, so that of several sites in one function the first is kept.
    for_site = np.flatnonzero(covered >= 0)[::-1]
    site[covered[for_site]] = sites.offset[for_site] - functions.start[covered[for_site]]
    has_site = site >= 0
    kinds = np.where(functions.toc_setup, FunctionKind.TOC, FunctionKind.LEAF)
    compiled = _compiled_for_ftrace(obj, functions, has_site)
    kinds = np.where(
        has_site, kinds, np.where(compiled, FunctionKind.NOTRACE, FunctionKind.NO_SITE)
    )
    patchable_entry = _patchable_entries(obj, functions, sites)
    has_unlisted = patchable_entry.copy()
    if len(sites.unlisted):
        calls = functions.covering(sites.unlisted[:, 0], sites.unlisted[:, 1])
        has_unlisted[calls[calls >= 0]] = True
    kinds[has_unlisted & ~has_site] = FunctionKind.UNLISTED
    return Census(
        obj=obj,
        functions=functions,
        sites=sites,
        site=site,
        kinds=kinds.astype(np.uint8),
        dialects=_dialects(obj, functions, sites, site),
        patchable_entry=patchable_entry,
        outside=int((covered < 0).sum()),
    )


def _compiled_for_ftrace(
    obj: ObjectFile, functions: Functions, has_site: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return whether some function of each function's unit has a site."""
    units = units_of(obj, functions.section, functions.start)
    if units is None:
        return np.full(len(functions), bool(has_site.any()))
    return np.isin(units, units[has_site & (units >= 0)]) & (units >= 0)


def _patchable_entries(
    obj: ObjectFile, functions: Functions, sites: SiteTable
) -> npt.NDArray[np.bool_]:
    """
    Return whether each function has two nops at its local entry point, as those of the list have.

    One nop would say nothing: a function that is notrace may begin with that of a static key.
    """
    if not sites.two_nops or obj.kind == "executable":
        return np.zeros(len(functions), bool)
    entry = functions.start + functions.local_entry
    first, second = (obj.words_at(functions.section, entry + step) for step in (0, 4))
    return np.asarray((first == NOP) & (second == NOP), np.bool_)


def _dialects(
    obj: ObjectFile, functions: Functions, sites: SiteTable, site: Integers
) -> npt.NDArray[np.uint8]:
    from_local = site - functions.local_entry
    if sites.two_nops:
        dialects = np.where(from_local == 4, DIALECTS.index(Dialect.PATCHABLE), 0)
    else:
        place = functions.start + site
        second_before, before = (obj.words_at(functions.section, place - n) for n in (8, 4))
        dialects = site_dialects(
            second_before, before, from_local, patchable=False, out_of_line=sites.patchable
        )
    return np.where(site >= 0, dialects, 0).astype(np.uint8)
