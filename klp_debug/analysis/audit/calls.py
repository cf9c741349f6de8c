# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of calls: whether what each site calls leads to the right ftrace trampoline."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from drgn import FaultError

from klp_debug.analysis import catalogue
from klp_debug.analysis.audit.sites import ARMED, Mask, Sites
from klp_debug.analysis.chain.stubs import FollowedStub, Stubs
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import ftrace_direct_functions
from klp_debug.kernel.ftrace_symbols import FTRACE_CALLER, FTRACE_REGS_CALLER
from klp_debug.ppc64le.stub import STUB_MAGIC, StubKind
from klp_debug.result.address import Address, Word
from klp_debug.result.common import Finding


def call_findings(view: KernelView, sites: Sites, stubs: Stubs) -> Iterator[Finding]:
    """
    Follow what the sites call.

    An out-of-line stub holds its call also while its site is idle; so it is checked then, too.
    """
    direct: dict[int, int] = {}
    with view.problems.noting("direct_functions"):
        direct = ftrace_direct_functions(view.prog)
    for target in np.unique(sites.calls[sites.has_call]).tolist():
        users = sites.has_call & (sites.calls == np.uint64(target))
        if target in direct.values():
            users &= ~_calls_directly(sites, direct, target)
        if users.any():
            yield from _target_findings(sites, stubs, target, users)


def _calls_directly(sites: Sites, direct: dict[int, int], target: int) -> Mask:
    """Say which sites are to call a target of their own, without any trampoline."""
    owners = np.array([ip for ip, where in direct.items() if where == target], np.uint64)
    return np.isin(sites.ips, owners) & sites.flagged("DIRECT_EN")


def _target_findings(sites: Sites, stubs: Stubs, target: int, users: Mask) -> Iterator[Finding]:
    """Check one target, once for all the sites that call it."""
    name = stubs.trampolines.get(target)
    where = str(Address(target))
    regs_only = False
    if name is None:
        try:
            followed = stubs.follow(target)
        except FaultError as fault:
            yield from _astray(sites, users, f"{where}, which cannot be read ({fault})")
            return
        if followed.stub.needs == "r2":
            for index in np.flatnonzero(users & sites.leaf).tolist():
                yield catalogue.TOC_STUB_ON_LEAF.on(
                    sites.name(index), f"stub at {stub_evidence(followed)}"
                )
        if stub_finding(followed, stubs, 0) is not None:
            return  # told once, with the stub
        name = stubs.trampolines.get(followed.target or 0)
        where = stub_evidence(followed)
        # The kernel's own ftrace_tramps lead to the trampoline with all registers only.
        regs_only = followed.owner is None
    if name is None:
        yield from _astray(sites, users, where)
        return
    if regs_only:
        wants_regs = np.ones(len(sites), np.bool_)
    else:
        # A direct call out of a branch's reach is made by ftrace_caller (ftrace_get_call_inst()).
        wants_regs = sites.flagged("REGS_EN") & ~sites.flagged("DIRECT_EN")
    wrong = users & (wants_regs != (name == FTRACE_REGS_CALLER))
    # Where the record is at odds with itself, that is what is told.
    wrong &= sites.flagged("REGS") == sites.flagged("REGS_EN")
    for index in np.flatnonzero(wrong).tolist():
        wanted = FTRACE_REGS_CALLER if wants_regs[index] else FTRACE_CALLER
        yield catalogue.SITE_WRONG_TRAMPOLINE.on(
            sites.name(index),
            f"{_call(sites, index)} leads to {name}, its record"
            f" ({sites.flag_names(index)}) asks for {wanted}",
        )


def _astray(sites: Sites, users: Mask, where: str) -> Iterator[Finding]:
    for index in np.flatnonzero(users).tolist():
        yield catalogue.SITE_WRONG_TARGET.on(
            sites.name(index), f"{_call(sites, index)}, which goes to {where}"
        )


def _call(sites: Sites, index: int) -> str:
    """Return the words that make a site's call."""
    if sites.records.out_of_line:
        return f"its out-of-line stub at {sites.ool_stub(index)}"
    return sites.word(index)


def stub_evidence(followed: FollowedStub) -> str:
    """Return a stub's address and instructions."""
    words = " ".join(Word(word).bare for word in followed.words)
    return f"{Address(followed.stub.address)}: {words}"


def stub_finding(followed: FollowedStub, stubs: Stubs, users: int) -> Finding | None:
    """
    Judge a stub by itself: by where its instructions lead, then by what is noted beside them.

    :param users: how many armed sites call it
    """
    kind = catalogue.STUB_WRONG_TARGET
    leads = "nowhere that can be told"
    if followed.target is not None:
        leads = str(Address(followed.target))
    # A module's way to an ftrace trampoline. One that needs r2 leads where its caller's TOC says:
    # kernels before v4.6 make such, so only what is noted beside it can be wrong (below), and its
    # callers that are leaves have a finding of their own.
    if followed.member is not None and followed.stub.needs != "r2":
        wanted = FTRACE_CALLER if followed.member == "tramp" else FTRACE_REGS_CALLER
        if stubs.trampolines.get(followed.target or 0) == wanted:
            # It works as it is; what does not fit is magic or funcdata alone.
            wrong = followed.disagreement
            kind = catalogue.STUB_CORRUPT
        else:
            wrong = f"leads to {leads}, not to {wanted}"
    # The kernel's own ftrace_tramps, which are in no module's list of stubs: ftrace_dyn_arch_init()
    # of powerpc lets them lead to ftrace_regs_caller.
    elif followed.owner is None and followed.stub.needs == "kernel-toc":
        ok = stubs.trampolines.get(followed.target or 0) == FTRACE_REGS_CALLER
        wrong = None if ok else f"leads to {leads}, not to {FTRACE_REGS_CALLER}"
    # Code of vmlinux that no list of stubs has: where it may lead, nothing says.
    elif followed.owner is None:
        return None
    # Any other stub of a module: the loader noted in funcdata where it must lead.
    else:
        wrong = followed.disagreement
        if followed.magic != STUB_MAGIC:
            kind = catalogue.STUB_CORRUPT
    # Last, because it explains the rest: of words that the kernel never writes, no target is known.
    if followed.stub.kind is StubKind.UNKNOWN:
        kind, wrong = catalogue.STUB_CORRUPT, "no known stub"
    if wrong is None:
        return None
    subject = f"stub of {followed.owner}" if followed.owner else "ftrace_tramp of vmlinux"
    called = f", called by {users} armed sites" if users else ""
    return kind.on(f"{subject}{called}", f"{stub_evidence(followed)}; {wrong}")


def stub_findings(view: KernelView, sites: Sites, stubs: Stubs) -> Iterator[Finding]:
    """Check every stub of every module, and the kernel's own that sites call."""
    users = _users(sites)
    done = set()
    for followed in stubs.of_modules():
        address = followed.stub.address
        done.add(address)
        finding = stub_finding(followed, stubs, users.get(address, 0))
        if finding is not None:
            yield finding
    for address in np.unique(sites.calls[sites.has_call]).tolist():
        if address in done or address in stubs.trampolines:
            continue
        with view.problems.noting(f"stub at {address:#x}"):
            finding = stub_finding(stubs.follow(address), stubs, users.get(address, 0))
            if finding is not None:
                yield finding


def _users(sites: Sites) -> dict[int, int]:
    """Return target -> how many armed sites call it."""
    armed: npt.NDArray[np.uint64] = sites.calls[sites.has_call & (sites.states == ARMED)]
    targets, numbers = np.unique(armed, return_counts=True)
    return dict(zip(targets.tolist(), numbers.tolist(), strict=True))
