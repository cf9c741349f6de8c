# SPDX-License-Identifier: GPL-2.0-or-later
"""Every ftrace record against the word in memory, its stub and its ops."""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from klp_debug.analysis import catalogue
from klp_debug.analysis.audit.barred_objects import barred_findings
from klp_debug.analysis.audit.calls import call_findings, stub_findings
from klp_debug.analysis.audit.disarmed import DisarmedFunctions
from klp_debug.analysis.audit.ops import ops_findings
from klp_debug.analysis.audit.sites import Mask, Sites
from klp_debug.analysis.audit.trampolines import trampoline_findings
from klp_debug.analysis.audit.unchecked import unchecked
from klp_debug.analysis.audit.words import word_findings
from klp_debug.analysis.chain.stubs import Stubs
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import ftrace_record_letters
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.site_words import DIALECTS, STATES
from klp_debug.result.address import Address
from klp_debug.result.audit import Audit, Count, ListedSite, Offsets, StubCount
from klp_debug.result.common import Finding
from klp_debug.result.text import plural
from klp_debug.result.unknown import Number, Unknown, counted, first_unknown


def audit(view: KernelView, *, list_sites: bool = False) -> Audit:
    """
    Check every mcount site of a kernel and its modules, and every stub of its modules.

    >>> answer = audit(view)
    >>> answer.sites, {count.what: count.sites for count in answer.states}
    (15224, {'idle': 15221, 'armed': 3})
    >>> [(finding.id, finding.subject) for finding in answer.findings]
    []

    What cannot be read becomes a problem of the result, and each check that it thwarts an
    ``Unknown`` among the findings; the rest is checked.

    :param list_sites: whether the result lists the sites one by one
    """
    sites = view.once(Sites.of_kernel)
    stubs = view.once(Stubs)
    findings = [
        *_ftrace_disabled(view),
        *site_findings(view, sites, stubs),
        *stub_findings(view, sites, stubs),
        *trampoline_findings(view),
        *barred_findings(view),
    ]
    missing = sites.records.missing
    if missing is not None:
        findings.append(unchecked("sites whose records cannot be read", missing))
    return Audit(
        kernel=view.describe(),
        sites=counted(len(sites), missing),
        read=_counted(sites, sites.read, np.ones(len(sites), np.bool_)),
        without_symbol=_counted(sites, ~sites.symbol_unknown, ~sites.in_function),
        dialects=_counts(
            sites, [dialect.value for dialect in DIALECTS], sites.dialects, sites.dialect_known
        ),
        states=_counts(sites, [state.value for state in STATES], sites.states, sites.state_known),
        offsets=_offset_counts(sites),
        stubs=_stub_counts(stubs),
        findings=once(findings),
        listing=_listing(view, sites) if list_sites else None,
        problems=view.problems.all(),
    )


def site_findings(view: KernelView, sites: Sites, stubs: Stubs) -> Iterator[Finding | Unknown]:
    """Check some sites: their words, what they call, and what the ops ask for."""
    yield from sites.note_unread()
    if len(sites) and not (view.record_flags["ENABLED"] and view.ops_flags["ENABLED"]):
        yield Unknown("sites: what the flags of records and of ftrace_ops mean is not known")
        return
    disarmed = DisarmedFunctions(view, sites)
    yield from disarmed.findings
    yield from word_findings(view, sites, disarmed)
    yield from call_findings(view, sites, stubs)
    yield from ops_findings(view, sites, disarmed)


def once(findings: Iterable[Finding | Unknown]) -> tuple[Finding | Unknown, ...]:
    """Return findings with each check that could not be made only once."""
    seen: set[Unknown] = set()
    result = []
    for finding in findings:
        if not (isinstance(finding, Unknown) and finding in seen):
            result.append(finding)
        if isinstance(finding, Unknown):
            seen.add(finding)
    return tuple(result)


def _ftrace_disabled(view: KernelView) -> Iterator[Finding | Unknown]:
    if not view.has_ftrace:
        return
    disabled = view.problems.attempt("ftrace_disabled", _disabled, view)
    if isinstance(disabled, Unknown):
        yield disabled
    elif disabled:
        yield catalogue.FTRACE_DISABLED.on("ftrace", f"ftrace_disabled is {disabled}")


def _disabled(view: KernelView) -> int:
    return int(view.prog["ftrace_disabled"].value_())


def _why_not_all(sites: Sites, known: Mask) -> Unknown | None:
    """
    Return why not all sites could be counted; None if they could.

    :param known: of which sites that is known by which they are counted
    """
    left = int((~known).sum())
    unread = Unknown(f"{plural(left, 'site')} could not be told") if left else None
    return first_unknown((sites.records.missing, unread))


def _counted(sites: Sites, known: Mask, chosen: Mask) -> Number:
    return counted(int((known & chosen).sum()), _why_not_all(sites, known))


def _counts(
    sites: Sites, names: list[str], values: npt.NDArray[np.uint8], known: Mask
) -> tuple[Count | Unknown, ...]:
    missing = _why_not_all(sites, known)
    numbers = np.bincount(values[known], minlength=len(names))
    counts = tuple(
        Count(name, counted(int(number), missing))
        for name, number in zip(names, numbers, strict=True)
        if number
    )
    return counts if missing is None else (*counts, missing)


def _offset_counts(sites: Sites) -> tuple[Offsets | Unknown, ...]:
    missing = _why_not_all(sites, ~sites.symbol_unknown)
    result: list[Offsets | Unknown] = []
    for toc_setup in (False, True):
        chosen = sites.in_function & ((sites.local_entries > 0) == toc_setup)
        offsets, numbers = np.unique(sites.offsets[chosen], return_counts=True)
        result += [
            Offsets(toc_setup, int(offset), counted(int(number), missing))
            for offset, number in zip(offsets, numbers, strict=True)
        ]
    return tuple(result) if missing is None else (*result, missing)


def _stub_counts(stubs: Stubs) -> tuple[StubCount | Unknown, ...]:
    followed = stubs.of_modules()
    numbers = Counter(each.stub.kind.value for each in followed)
    counts = tuple(
        StubCount(kind, counted(number, followed.missing))
        for kind, number in sorted(numbers.items())
    )
    return counts if followed.missing is None else (*counts, followed.missing)


def _listing(view: KernelView, sites: Sites) -> tuple[ListedSite | Unknown, ...]:
    listing = tuple(_listed(view, sites, index) for index in range(len(sites)))
    missing = sites.records.missing
    return listing if missing is None else (*listing, missing)


def _listed(view: KernelView, sites: Sites, index: int) -> ListedSite:
    ip, flags = int(sites.ips[index]), int(sites.flags[index])
    symbol = view.symbols.covering(ip)
    return ListedSite(
        address=Address(ip),
        function=symbol.name if isinstance(symbol, KernelSymbol) else symbol,
        module=symbol.module if isinstance(symbol, KernelSymbol) else symbol,
        offset=ip - symbol.address if isinstance(symbol, KernelSymbol) else symbol,
        dialect=sites.dialect(index),
        state=sites.state(index),
        users=int(sites.users[index]),
        flags=view.record_flags.of(flags),
        letters=ftrace_record_letters(flags, view.record_flags),
    )
