# SPDX-License-Identifier: GPL-2.0-or-later
"""One mcount site: all that the audit checks of it, and how it was checked."""

import numpy as np

from klp_debug.analysis.audit.audit import site_findings
from klp_debug.analysis.audit.calls import stub_finding
from klp_debug.analysis.audit.sites import Sites
from klp_debug.analysis.chain.site_path import PatchedSite, follow_site
from klp_debug.analysis.chain.site_results import record_result, site_result
from klp_debug.analysis.chain.stubs import FollowedStub, Stubs
from klp_debug.analysis.patches.func_stacks import FuncStacks
from klp_debug.analysis.patches.ops import registered_ops_at
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.address import Address, Word
from klp_debug.result.site import SiteReport, StubResult


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

    What cannot be read becomes a problem of the result; the rest is there.

    :param index: of its record among the view's
    """
    record = view.records[index]
    sites = Sites(view, view.records.subset(np.array([index])))
    stubs = Stubs(view)
    site = sites.site(0)
    symbol = view.symbols.covering(record.ip)
    path = follow_site(
        view,
        stubs,
        site,
        record,
        leaf=bool(sites.leaf[0]),
        patched=_patched(view, symbol.address if symbol is not None else None),
    )
    if path.stopped is not None:
        view.problems.add(f"path of the site {sites.name(0)}", path.stopped)
    findings = list(site_findings(view, sites, stubs))
    findings += [
        finding for stub in path.stubs if (finding := stub_finding(stub, stubs, 0)) is not None
    ]
    if not sites.read[0]:
        view.problems.add(f"the word at {sites.name(0)}", "cannot be read")
    return SiteReport(
        kernel=view.describe(),
        function=symbol.name if symbol is not None else None,
        module=symbol.module if symbol is not None else None,
        leaf_without_toc=bool(sites.leaf[0]),
        site=site_result(view, site, record.ip - symbol.address if symbol is not None else None),
        record=record_result(view, record, site),
        path=path.hops,
        stubs=tuple(_stub(view, stub) for stub in path.stubs),
        ops=registered_ops_at(view, record.ip),
        findings=tuple(findings),
        problems=view.problems.all(),
    )


def _patched(view: KernelView, function: int | None) -> PatchedSite | None:
    if function is None or not view.has_livepatch:
        return None
    stacks = FuncStacks(view)
    stack = stacks.of_function(function)
    if stack is None:
        return None
    return PatchedSite(stack.ops.fops.address_of_(), stacks.handler)


def _stub(view: KernelView, followed: FollowedStub) -> StubResult:
    target = followed.target
    return StubResult(
        address=Address(followed.stub.address),
        owner=followed.owner,
        words=tuple(Word(word) for word in followed.words),
        kind=followed.stub.kind.value,
        needs=followed.stub.needs,
        target=None if target is None else Address(target),
        target_symbol=None if target is None else view.symbols.format(target),
        magic=None if followed.magic is None else Word(followed.magic),
        funcdata=None if followed.funcdata is None else Address(followed.funcdata),
        disagreement=followed.disagreement,
    )
