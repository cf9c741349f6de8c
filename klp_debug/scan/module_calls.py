# SPDX-License-Identifier: GPL-2.0-or-later
"""
Calls that leave a module: the loader gives each a stub, and puts a restore of r2 behind it.

Source: ``apply_relocate_add()`` and ``restore_r2()`` in arch/powerpc/kernel/module_64.c.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from klp_debug.elf.elf_file import Section
from klp_debug.elf.format import R_PPC64_REL24, SHN_LIVEPATCH, SHN_UNDEF
from klp_debug.elf.object_file import ObjectFile
from klp_debug.ppc64le.instruction import LD_R2_24_R1, NOP, is_bl
from klp_debug.scan import hazards
from klp_debug.scan.census import Census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.modinfo import ModInfo
from klp_debug.scan.patch_marks import is_of_kpatch

_FTRACE_CALLS = ("_mcount", "ftrace_caller", "ftrace_regs_caller")
"""``is_mprofile_ftrace_call()``: no restore of r2 is put behind these."""
_PRODUCER = re.compile(rb"(?:\A|\0)(GNU C[^\0]*)")
_NO_SIBLING_CALLS = b"-fno-optimize-sibling-calls"


@dataclass(frozen=True, slots=True, kw_only=True)
class OuterCall:
    """A branch to a symbol that the module does not have."""

    offset: int
    """In bytes from the section's start."""
    word: int
    following: int
    """The word behind it."""
    symbol: str


class OuterCalls:
    """All branches that leave a module, but those of ftrace."""

    def __init__(self, obj: ObjectFile) -> None:
        """Prepare to look them up in OBJ."""
        self._obj = obj
        self._by_section: dict[int, tuple[OuterCall, ...]] = {}

    def of(self, section: int) -> tuple[OuterCall, ...]:
        """Return those of one section."""
        if section not in self._by_section:
            self._by_section[section] = tuple(_outer_calls(self._obj, section))
        return self._by_section[section]


def _outer_calls(obj: ObjectFile, section: int) -> Iterator[OuterCall]:
    words = obj.words(section)
    for livepatch in (False, True):
        rows = obj.relocations(section, livepatch=livepatch)
        rows = rows[(rows["type"] == R_PPC64_REL24) & (rows["symbol"] < len(obj.symbols))]
        outer = np.isin(obj.symbol_sections[rows["symbol"]], (SHN_UNDEF, SHN_LIVEPATCH))
        for row in rows[outer]:
            index, symbol = int(row["offset"]) // 4, obj.symbol_name(int(row["symbol"]))
            if index < len(words) and symbol not in _FTRACE_CALLS:
                following = int(words[index + 1]) if index + 1 < len(words) else 0
                yield OuterCall(
                    offset=4 * index, word=int(words[index]), following=following, symbol=symbol
                )


def check_calls(census: Census, calls: OuterCalls, info: ModInfo, log: HazardLog) -> None:
    """Note what is wrong with a patch's own calls and sites, whatever it replaces."""
    obj = census.obj
    if not census.pcrel:
        for section in obj.sections:
            if section.is_text:
                _check_nops(section, calls, log)
        # create-diff-object refuses a replacement that ends in such a call (kpatch #1002).
        if not is_of_kpatch(obj):
            _check_compiler_options(obj.with_debug_info, log)
    if info.has_patchable_sites and not census.sites.sources and len(census.functions):
        says = f"it is built for {info.vermagic}"
        log.add(hazards.PATCH_WITHOUT_SITES, "__patchable_function_entries", says)


def _check_nops(section: Section, calls: OuterCalls, log: HazardLog) -> None:
    for call in calls.of(section.index):
        if is_bl(call.word) and call.following not in (NOP, LD_R2_24_R1):
            evidence = f"{section.name}+{call.offset:#x}: bl {call.symbol}; {call.following:08x}"
            log.add(hazards.CALL_WITHOUT_NOP, call.symbol, evidence)


def _check_compiler_options(obj: ObjectFile, log: HazardLog) -> None:
    strings = obj.named_section(".debug_str")
    if strings is None or strings.flags & 0x800:
        return
    for producer in _PRODUCER.findall(obj.data(strings)):
        if _NO_SIBLING_CALLS not in producer:
            compiler = producer.partition(b" -")[0][:80].decode("ascii", "replace")
            says = f"{compiler}, not told {_NO_SIBLING_CALLS.decode()}"
            log.add(hazards.SIBLING_CALLS_ALLOWED, "compiler options", says)
            return
