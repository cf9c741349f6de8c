# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of calls: whether what each site calls leads to the right ftrace trampoline."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from drgn import FaultError

from klp_debug.analysis import catalogue
from klp_debug.analysis.audit.sites import ARMED, Mask, Sites
from klp_debug.analysis.audit.unchecked import unchecked
from klp_debug.analysis.chain.stubs import FollowedStub, Stubs
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import ftrace_direct_functions
from klp_debug.kernel.ftrace_symbols import FTRACE_CALLER
from klp_debug.ppc64le.stub import STUB_MAGIC, StubKind
from klp_debug.result.address import Address, Word
from klp_debug.result.common import Finding, FindingKind
from klp_debug.result.text import plural
from klp_debug.result.unknown import AtLeast, Number, Unknown, counted

_NEEDS_OF_FTRACE_TRAMPS = ("kernel-toc", "kernel-base")
"""What the kernel's own ftrace_tramps need: its base since there are kernels without TOC."""


def call_findings(view: KernelView, sites: Sites, stubs: Stubs) -> Iterator[Finding | Unknown]:
    """
    Follow what the sites call.

    An out-of-line stub holds its call also while its site is idle; so it is checked then, too.
    """
    direct = view.problems.attempt("direct_functions", ftrace_direct_functions, view.prog)
    judged = sites.has_call
    if isinstance(direct, Unknown):
        judged = judged & ~sites.flagged("DIRECT_EN")
        yield unchecked("what sites call directly", direct)
    for target in np.unique(sites.calls[judged]).tolist():
        users = judged & (sites.calls == np.uint64(target))
        if not isinstance(direct, Unknown) and target in direct.values():
            users &= ~_calls_directly(sites, direct, target)
        if users.any():
            yield from _target_findings(view, sites, stubs, target, users)


def _calls_directly(sites: Sites, direct: dict[int, int], target: int) -> Mask:
    """Say which sites are to call a target of their own, without any trampoline."""
    owners = np.array([ip for ip, where in direct.items() if where == target], np.uint64)
    return np.isin(sites.ips, owners) & sites.flagged("DIRECT_EN")


def _target_findings(
    view: KernelView, sites: Sites, stubs: Stubs, target: int, users: Mask
) -> Iterator[Finding | Unknown]:
    """Check one target, once for all the sites that call it."""
    name = stubs.trampolines.get(target)
    where = str(Address(target))
    regs_only = False
    if name is None:
        try:
            followed = stubs.follow(target)
        except FaultError as fault:
            # A page that the dump lacks may hold the right stub.
            if str(fault.args[0]).startswith("not mapped"):
                yield from _astray(sites, users, f"{where}, where nothing is ({fault})")
            else:
                callers = plural(int(users.sum()), "site")
                stub = view.problems.add(f"stub at {target:#x}", str(fault))
                yield unchecked(f"calls of {callers}", stub)
            return
        yield from _leaves(sites, followed, users)
        wrong = stub_finding(followed, stubs, 0)
        if isinstance(wrong, Unknown):
            yield wrong
        if wrong is not None or isinstance(followed.target, Unknown):
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
    others = users & np.where(wants_regs, name != stubs.regs_caller, name != FTRACE_CALLER)
    # Where the record is at odds with itself, that is what is told.
    others &= sites.flagged("REGS") == sites.flagged("REGS_EN")
    for index in np.flatnonzero(others).tolist():
        wanted = stubs.regs_caller if wants_regs[index] else FTRACE_CALLER
        yield catalogue.SITE_WRONG_TRAMPOLINE.on(
            sites.name(index),
            f"{_call(sites, index)} leads to {name}, its record"
            f" ({sites.flag_names(index)}) asks for {wanted}",
        )


def _leaves(sites: Sites, followed: FollowedStub, users: Mask) -> Iterator[Finding | Unknown]:
    """Check that no leaf calls a stub that finds its target through r2."""
    if followed.stub.needs != "r2":
        return
    for index in np.flatnonzero(users & sites.leaf).tolist():
        yield catalogue.TOC_STUB_ON_LEAF.on(sites.name(index), f"stub at {stub_evidence(followed)}")
    unknown = int((users & sites.leaf_unknown).sum())
    if unknown:
        yield Unknown(
            f"{plural(unknown, 'site')} that call the stub at {Address(followed.stub.address)}:"
            " whether their functions set r2 cannot be told"
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


def stub_finding(followed: FollowedStub, stubs: Stubs, users: Number) -> Finding | Unknown | None:
    """
    Judge a stub by itself: by where its instructions lead, then by what is noted beside them.

    :param users: how many armed sites call it
    :return: None if nothing is wrong with it, or nothing says where it may lead
    """
    subject = f"stub at {Address(followed.stub.address)}"
    owner = followed.owner
    if isinstance(owner, Unknown):
        return unchecked(f"{subject}, of an unknown module", owner)
    # Code of vmlinux that no list of stubs has: where it may lead, nothing says.
    if owner is None and followed.stub.needs not in _NEEDS_OF_FTRACE_TRAMPS:
        return None
    kind, wrong = _what_is_wrong(followed, stubs)
    if wrong is None:
        return None
    if isinstance(wrong, Unknown):
        return unchecked(subject, wrong)
    whose = "ftrace_tramp of vmlinux" if owner is None else f"stub of {owner}"
    called = f", called by {users} armed sites" if isinstance(users, AtLeast) or users else ""
    return kind.on(f"{whose}{called}", f"{stub_evidence(followed)}; {wrong}")


def _what_is_wrong(
    followed: FollowedStub, stubs: Stubs
) -> tuple[FindingKind, str | Unknown | None]:
    """Return what a stub would be found to be, and what is wrong with it; None if nothing is."""
    # It explains the rest: of words that the kernel never writes, no target is known.
    if followed.stub.kind is StubKind.UNKNOWN:
        return catalogue.STUB_CORRUPT, "no known stub"
    # A module's way to an ftrace trampoline. One that needs r2 leads where its caller's TOC says:
    # kernels before v4.6 make such, so only what is noted beside it can be wrong (below), and its
    # callers that are leaves have a finding of their own.
    if followed.member is not None and followed.stub.needs != "r2":
        wanted = FTRACE_CALLER if followed.member == "tramp" else stubs.regs_caller
        wrong = _leads_elsewhere(followed, stubs, wanted)
        if wrong is not None:
            return catalogue.STUB_WRONG_TARGET, wrong
        # It works as it is; what does not fit is magic or funcdata alone.
        return catalogue.STUB_CORRUPT, followed.disagreement
    # The kernel's own ftrace_tramps, which are in no module's list of stubs: ftrace_dyn_arch_init()
    # of powerpc lets them lead to ftrace_regs_caller.
    if followed.owner is None:
        wrong = _leads_elsewhere(followed, stubs, stubs.regs_caller)
        return catalogue.STUB_WRONG_TARGET, wrong
    # Any other stub of a module: the loader noted in funcdata where it must lead.
    magic = followed.magic == STUB_MAGIC
    kind = catalogue.STUB_WRONG_TARGET if magic else catalogue.STUB_CORRUPT
    return kind, followed.disagreement


def _leads_elsewhere(followed: FollowedStub, stubs: Stubs, wanted: str) -> str | Unknown | None:
    """Return where a stub leads, if not to the trampoline that it must; None if it leads there."""
    target = followed.target
    if isinstance(target, Unknown):
        return target
    if stubs.trampolines.get(target or 0) == wanted:
        return None
    leads = "nowhere that can be told" if target is None else str(Address(target))
    return f"leads to {leads}, not to {wanted}"


def stub_findings(view: KernelView, sites: Sites, stubs: Stubs) -> Iterator[Finding | Unknown]:
    """Check every stub of every module, and the kernel's own that sites call."""
    users, unseen = _users(sites), sites.missing

    def judged(address: int) -> Finding | Unknown | None:
        number = counted(users.get(address, 0), unseen)
        return stub_finding(stubs.follow(address), stubs, number)

    of_modules = stubs.of_modules()
    done = {followed.stub.address for followed in of_modules}
    called = [
        address
        for address in np.unique(sites.calls[sites.has_call]).tolist()
        if address not in done and address not in stubs.trampolines
    ]
    for address in (*(followed.stub.address for followed in of_modules), *called):
        finding = view.problems.attempt(f"stub at {address:#x}", judged, address)
        if finding is not None:
            yield finding
    if of_modules.missing is not None:
        yield of_modules.missing


def _users(sites: Sites) -> dict[int, int]:
    """Return target -> how many armed sites are seen to call it."""
    armed: npt.NDArray[np.uint64] = sites.calls[sites.has_call & (sites.states == ARMED)]
    targets, numbers = np.unique(armed, return_counts=True)
    return dict(zip(targets.tolist(), numbers.tolist(), strict=True))
