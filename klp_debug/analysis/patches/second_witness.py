# SPDX-License-Identifier: GPL-2.0-or-later
"""What tells of a live patch where its own structures cannot be read."""

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.result.unknown import Unknown


def may_be_original(view: KernelView, symbol: KernelSymbol) -> bool:
    """
    Return whether a function may be live-patched, by its ftrace record.

    livepatch's ops have IPMODIFY, which ftrace notes in the record of each site that they want.
    """
    record = view.record_of(symbol)
    if record is None or isinstance(record, Unknown):
        return isinstance(record, Unknown)
    return bool(record.flags & view.record_flags["IPMODIFY"])


def may_be_replacement(view: KernelView, symbol: KernelSymbol) -> bool:
    """Return whether a function may be a replacement: it is in a module made to be a live patch."""
    return symbol.module is not None and may_be_patch(view, symbol.module)


def may_be_patch(view: KernelView, name: str) -> bool:
    """Return whether a module may have been made to be a live patch."""
    livepatch = view.is_patch_module(name)
    return isinstance(livepatch, Unknown) or livepatch
