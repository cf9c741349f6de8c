# SPDX-License-Identifier: GPL-2.0-or-later
"""A site and its record as answers show them."""

from klp_debug.analysis.view.find_function import namesakes_in_patches
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import FtraceRecord, ftrace_record_users
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.site import Site, SiteState
from klp_debug.result.address import Address, Word
from klp_debug.result.func import Namesake, RecordResult, SiteResult
from klp_debug.result.unknown import Unknown


def site_result(view: KernelView, site: Site, offset: int | None) -> SiteResult:
    """
    Return a decoded site as a result.

    :param offset: bytes from its function's global entry point, if it is in one
    """
    target = None if site.target is None else Address(site.target)
    return SiteResult(
        address=Address(site.address),
        offset=offset,
        state=site.state.value,
        word=Word(site.word),
        target=target,
        target_symbol=view.symbols.format(target) if target is not None else None,
        dialect=site.dialect.value,
    )


def record_result(
    view: KernelView, record: FtraceRecord, site: Site | Unknown | None
) -> RecordResult:
    """Return a record as a result, compared with the word at its site."""
    names = view.record_flags
    enabled = bool(record.flags & names["ENABLED"])
    expected = SiteState.ARMED if enabled else SiteState.IDLE
    return RecordResult(
        address=Address(record.address),
        ip=Address(record.ip),
        flags=names.of(record.flags),
        flags_word=Address(record.flags),
        users=ftrace_record_users(record.flags, names),
        ool_stub=Address(record.ool_stub) if record.ool_stub else None,
        agrees=site if isinstance(site, Unknown) else site is not None and site.state is expected,
    )


def named_alike(view: KernelView, symbol: KernelSymbol) -> tuple[Namesake | Unknown, ...]:
    """Return the functions of live patches that have the name of a function."""
    found = namesakes_in_patches(view.symbols, symbol, view.is_patch_module)
    return tuple(
        one if isinstance(one, Unknown) else Namesake(str(one.module), Address(one.address))
        for one in found
    )
