# SPDX-License-Identifier: GPL-2.0-or-later
"""One mcount site: all that the audit checks of it, and how it was checked."""

import dataclasses

import numpy as np

from klp_debug.analysis.audit.audit import once, site_findings
from klp_debug.analysis.audit.calls import stub_finding
from klp_debug.analysis.audit.sites import Sites
from klp_debug.analysis.chain.site_path import PatchedSite, SitePath, follow_site
from klp_debug.analysis.chain.site_results import named_alike, record_result, site_result
from klp_debug.analysis.chain.stubs import FollowedStub, Stubs
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.patches.ops import registered_ops_at
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import FtraceRecord
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.site import Site
from klp_debug.result.address import Address, Word
from klp_debug.result.func import Namesake, SiteResult
from klp_debug.result.site import SiteReport, StubResult
from klp_debug.result.unknown import Unknown


def report_site(view: KernelView, index: int) -> SiteReport:
    """
    Return everything about one site.

    >>> answer = report_site(view, find_site(view, "int_to_scsilun"))
    >>> answer.site.address, answer.site.word, answer.site.state
    (0xc0080000001401e4, 0x4800045d, 'armed')
    >>> [hop.kind for hop in answer.path]
    ['site', 'stub', 'trampoline', 'dispatch']
    >>> [ops.patch for ops in answer.ops]
    ['leaf_patch']

    What cannot be read is ``Unknown``, and a problem of the result; the rest is there.

    :param index: of its record among the view's
    """
    record = view.records[index]
    sites = Sites(view, view.records.subset(np.array([index])))
    stubs = view.once(Stubs)
    site = sites.site(0) if sites.state_known[0] else sites.unread(0)
    symbol = view.symbols.covering(record.ip)
    leaf = _leaf(view, sites)
    path = _path(view, stubs, site, record, leaf=leaf, patched=_patched(view, symbol, record))
    findings = list(site_findings(view, sites, stubs))
    judged = (stub_finding(stub, stubs, 0) for stub in path.stubs)
    findings += [finding for finding in judged if finding is not None]
    return SiteReport(
        kernel=view.describe(),
        function=symbol.name if isinstance(symbol, KernelSymbol) else symbol,
        module=symbol.module if isinstance(symbol, KernelSymbol) else symbol,
        namesakes=_namesakes(view, symbol),
        leaf_without_toc=leaf,
        site=_site_result(view, sites, site, symbol),
        record=record_result(view, record, site),
        path=path.hops if path.stopped is None else (*path.hops, path.stopped),
        stubs=_stubs(view, path),
        ops=registered_ops_at(view, record.ip),
        findings=once(findings),
        problems=view.problems.all(),
    )


def _namesakes(
    view: KernelView, symbol: KernelSymbol | Unknown | None
) -> tuple[Namesake | Unknown, ...]:
    return named_alike(view, symbol) if isinstance(symbol, KernelSymbol) else ()


def _leaf(view: KernelView, sites: Sites) -> bool | Unknown:
    if not sites.leaf_unknown[0]:
        return bool(sites.leaf[0])
    if sites.symbol_unknown[0] and view.symbols.missing is not None:
        return view.symbols.missing
    return Unknown(f"st_other of {sites.name(0)} tells no local entry point")


def _path(
    view: KernelView,
    stubs: Stubs,
    site: Site | Unknown,
    record: FtraceRecord,
    *,
    leaf: bool | Unknown,
    patched: PatchedSite | Unknown | None,
) -> SitePath:
    if isinstance(site, Unknown):
        return SitePath(hops=(), stubs=(), stopped=site)
    return follow_site(view, stubs, site, record, leaf=leaf, patched=patched)


def _patched(
    view: KernelView, symbol: KernelSymbol | Unknown | None, record: FtraceRecord
) -> PatchedSite | Unknown | None:
    """Return what a live patch expects of the site; None if none is on its function."""
    if symbol is None or not view.has_livepatch:
        return None
    if isinstance(symbol, Unknown):
        # Livepatch's ops have IPMODIFY, which ftrace notes in the record of each site they want.
        return symbol if record.flags & view.record_flags["IPMODIFY"] else None
    stacks = view.once(FuncStacks)
    stack = stacks.of_function(symbol.address)
    if not isinstance(stack, FuncStack):
        return stack
    return PatchedSite(stack.ops.fops.address_of_(), stacks.handler)


def _site_result(
    view: KernelView,
    sites: Sites,
    site: Site | Unknown,
    symbol: KernelSymbol | Unknown | None,
) -> SiteResult | Unknown:
    if isinstance(site, Unknown):
        return site
    offset = site.address - symbol.address if isinstance(symbol, KernelSymbol) else symbol
    result = site_result(view, site, None)
    return dataclasses.replace(result, offset=offset, dialect=sites.dialect(0))


def _stubs(view: KernelView, path: SitePath) -> tuple[StubResult | Unknown, ...]:
    shown = tuple(_stub(view, stub) for stub in path.stubs)
    # There is one at the most, so behind one that was followed there is no other.
    return (path.stopped,) if path.stopped is not None and not shown else shown


def _stub(view: KernelView, followed: FollowedStub) -> StubResult:
    target, owner = followed.target, followed.owner
    # Only a module has noted anything beside its stub.
    magic: Word | Unknown | None = owner if isinstance(owner, Unknown) else None
    funcdata: Address | Unknown | None = owner if isinstance(owner, Unknown) else None
    return StubResult(
        address=Address(followed.stub.address),
        owner=owner,
        words=tuple(Word(word) for word in followed.words),
        kind=followed.stub.kind.value,
        needs=followed.stub.needs,
        target=Address(target) if isinstance(target, int) else target,
        target_symbol=view.symbols.format(target) if isinstance(target, int) else target,
        magic=Word(followed.magic) if followed.magic is not None else magic,
        funcdata=Address(followed.funcdata) if followed.funcdata is not None else funcdata,
        disagreement=followed.disagreement,
    )
