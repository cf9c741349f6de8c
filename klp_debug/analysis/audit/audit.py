# SPDX-License-Identifier: GPL-2.0-or-later
"""Every ftrace record against the word in memory, its stub and its ops."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from klp_debug.analysis import catalogue
from klp_debug.analysis.audit.calls import call_findings, stub_findings
from klp_debug.analysis.audit.disarmed import DisarmedFunctions
from klp_debug.analysis.audit.ops import ops_findings
from klp_debug.analysis.audit.sites import Sites
from klp_debug.analysis.audit.trampolines import trampoline_findings
from klp_debug.analysis.audit.words import word_findings
from klp_debug.analysis.chain.stubs import Stubs
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import ftrace_record_letters
from klp_debug.ppc64le.site_words import DIALECTS, STATES
from klp_debug.result.address import Address
from klp_debug.result.audit import Audit, Count, ListedSite, Offsets, StubCount
from klp_debug.result.common import Finding


def audit(view: KernelView, *, list_sites: bool = False) -> Audit:
    """
    Check every mcount site of a kernel and its modules, and every stub of its modules.

    >>> answer = audit(view)
    >>> answer.sites, {count.what: count.sites for count in answer.states}
    (15224, {'idle': 15221, 'armed': 3})
    >>> [(finding.id, finding.subject) for finding in answer.findings]
    []

    What cannot be read becomes a problem of the result; the rest is checked.

    :param list_sites: whether the result lists the sites one by one
    """
    sites = Sites.of_kernel(view)
    stubs = Stubs(view)
    findings = [
        *_ftrace_disabled(view),
        *site_findings(view, sites, stubs),
        *stub_findings(view, sites, stubs),
        *trampoline_findings(view),
    ]
    _note_unread(view, sites)
    return Audit(
        kernel=view.describe(),
        sites=len(sites),
        unread=int((~sites.read).sum()),
        without_symbol=int((~sites.in_function).sum()),
        dialects=_counts(sites, [dialect.value for dialect in DIALECTS], sites.dialects),
        states=_counts(sites, [state.value for state in STATES], sites.states),
        offsets=_offset_counts(view, sites),
        stubs=_stub_counts(stubs),
        findings=tuple(findings),
        listing=_listing(view, sites) if list_sites else None,
        problems=view.problems.all(),
    )


def site_findings(view: KernelView, sites: Sites, stubs: Stubs) -> Iterator[Finding]:
    """Check some sites: their words, what they call, and what the ops ask for."""
    disarmed = DisarmedFunctions(view, sites)
    yield from disarmed.findings
    yield from word_findings(view, sites, disarmed)
    yield from call_findings(view, sites, stubs)
    yield from ops_findings(view, sites, disarmed)


def _ftrace_disabled(view: KernelView) -> Iterator[Finding]:
    with view.problems.noting("ftrace_disabled"):
        disabled = view.prog["ftrace_disabled"].value_()
        if disabled:
            yield catalogue.FTRACE_DISABLED.on("ftrace", f"ftrace_disabled is {disabled}")


def _note_unread(view: KernelView, sites: Sites) -> None:
    for what, unread in (
        ("the word at", ~sites.read),
        ("the out-of-line stub of", ~sites.ool_read & sites.records.out_of_line),
    ):
        indices = np.flatnonzero(unread).tolist()
        if indices:
            more = f" and {len(indices) - 1} more" if len(indices) > 1 else ""
            view.problems.add(f"{what} {sites.name(indices[0])}{more}", "cannot be read")


def _counts(sites: Sites, names: list[str], values: npt.NDArray[np.uint8]) -> tuple[Count, ...]:
    numbers = np.bincount(values[sites.read], minlength=len(names))
    return tuple(
        Count(name, int(number)) for name, number in zip(names, numbers, strict=True) if number
    )


def _offset_counts(view: KernelView, sites: Sites) -> tuple[Offsets, ...]:
    result = []
    for toc_setup in (False, True):
        chosen = sites.in_function & ((sites.local_entries > 0) == toc_setup)
        offsets, numbers = np.unique(sites.offsets[chosen], return_counts=True)
        result += [
            Offsets(toc_setup, int(offset), int(number))
            for offset, number in zip(offsets, numbers, strict=True)
        ]
    return tuple(result)


def _stub_counts(stubs: Stubs) -> tuple[StubCount, ...]:
    counts: dict[str, int] = {}
    for followed in stubs.of_modules():
        kind = followed.stub.kind.value
        counts[kind] = counts.get(kind, 0) + 1
    return tuple(StubCount(kind, number) for kind, number in sorted(counts.items()))


def _listing(view: KernelView, sites: Sites) -> tuple[ListedSite, ...]:
    listing = []
    for index in range(len(sites)):
        ip = int(sites.ips[index])
        symbol = view.symbols.covering(ip)
        flags = int(sites.flags[index])
        listing.append(
            ListedSite(
                address=Address(ip),
                function=symbol.name if symbol is not None else None,
                module=symbol.module if symbol is not None else None,
                offset=ip - symbol.address if symbol is not None else None,
                dialect=DIALECTS[sites.dialects[index]].value,
                state=STATES[sites.states[index]].value,
                users=int(sites.users[index]),
                flags=view.record_flags.of(flags),
                letters=ftrace_record_letters(flags, view.record_flags),
            )
        )
    return tuple(listing)
