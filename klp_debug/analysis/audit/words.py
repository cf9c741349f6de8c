# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of words: whether the word at each site is what its record says ftrace put there."""

from collections.abc import Iterator

import numpy as np
from drgn.helpers.linux.module import module_address_regions

from klp_debug.analysis import catalogue
from klp_debug.analysis.audit.disarmed import DisarmedFunctions
from klp_debug.analysis.audit.sites import ARMED, IDLE, UNKNOWN, Mask, Sites
from klp_debug.analysis.audit.unchecked import unchecked
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.symbols import KERNEL_TEXT
from klp_debug.ppc64le.site_words import STATES
from klp_debug.result.address import Address
from klp_debug.result.common import Finding
from klp_debug.result.text import plural
from klp_debug.result.unknown import Unknown, first_unknown


def word_findings(
    view: KernelView, sites: Sites, disarmed: DisarmedFunctions
) -> Iterator[Finding | Unknown]:
    """Compare each site's word, and its out-of-line stub's, with its record."""
    inside, missing = _in_text(view, sites)
    if missing is not None and not inside.all():
        records = plural(int((~inside).sum()), "record")
        yield unchecked(f"{records} that may be in the memory of a module", missing)
    elif missing is None:
        for index in np.flatnonzero(~inside).tolist():
            record = sites.records[index]
            yield catalogue.RECORD_OUTSIDE_TEXT.on(
                str(Address(record.ip)), f"dyn_ftrace at {Address(record.address)}"
            )
    # What lies at an address that is no text says nothing more.
    known = sites.state_known & inside
    untold = sites.read & ~sites.state_known
    if untold.any() and view.symbols.missing is not None:
        words = plural(int(untold.sum()), "site")
        yield unchecked(f"{words} whose dialect is unknown", view.symbols.missing)
    for index in np.flatnonzero(known & (sites.states == UNKNOWN)).tolist():
        yield catalogue.SITE_UNKNOWN_WORD.on(sites.name(index), sites.word(index))
    enabled = sites.flagged("ENABLED")
    wrong = known & np.where(enabled, sites.states == IDLE, sites.states == ARMED)
    wrong &= ~np.isin(sites.ips, np.array(sorted(disarmed.ips), np.uint64))
    held = wrong & enabled
    if disarmed.missing is not None and held.any():
        idle = plural(int(held.sum()), "idle site")
        yield unchecked(f"{idle}, which a debugger may hold", disarmed.missing)
        wrong &= ~held
    for index in np.flatnonzero(wrong).tolist():
        state = STATES[sites.states[index]].value
        yield catalogue.SITE_RECORD_MISMATCH.on(
            sites.name(index),
            f"{sites.word(index)} ({state}), its record has {sites.flag_names(index)}",
        )
    if sites.records.out_of_line:
        yield from _ool_findings(sites, known)


def _ool_findings(sites: Sites, known: Mask) -> Iterator[Finding]:
    stubs = sites.records.ool_stubs
    astray = known & (sites.states == ARMED) & (sites.targets != stubs)
    for index in np.flatnonzero(astray).tolist():
        yield catalogue.SITE_WRONG_TARGET.on(
            sites.name(index),
            f"{sites.word(index)}, to {Address(int(sites.targets[index]))};"
            f" its record's out-of-line stub is at {Address(int(stubs[index]))}",
        )
    for index in np.flatnonzero(known & sites.ool_read & ~sites.ool_valid).tolist():
        yield catalogue.STUB_CORRUPT.on(
            f"out-of-line stub of {sites.name(index)}",
            f"{sites.ool_stub(index)}, not mflr r0; bl; mtlr r0; b back behind the site",
        )


def _in_text(view: KernelView, sites: Sites) -> tuple[Mask, Unknown | None]:
    """
    Say which records are in the text of the kernel or in the memory of a module.

    :return: besides, why others may be in the memory of a module; None if they are not
    """
    regions = []
    missing = view.modules.missing
    for module in view.modules:
        where = f"memory of module at {module.value_():#x}"
        found = view.problems.attempt(where, module_address_regions, module)
        if isinstance(found, Unknown):
            missing = first_unknown((missing, found))
        else:
            regions += [(start, start + size) for start, size in found]
    for first, last in KERNEL_TEXT:
        bounds = [view.symbols.named(name, "vmlinux") for name in (first, last)]
        if all(bounds):
            regions.append((bounds[0][0].address, bounds[1][0].address))
    inside = np.zeros(len(sites), np.bool_)
    for start, end in regions:
        # A damaged module's memory may be nowhere, or lead beyond all addresses.
        if start < end:
            final = min(end, 1 << 64) - 1
            inside |= (sites.ips >= np.uint64(start)) & (sites.ips <= np.uint64(final))
    return inside, missing
