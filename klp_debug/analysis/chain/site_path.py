# SPDX-License-Identifier: GPL-2.0-or-later
"""
The way from an mcount site into ftrace, each link checked against the next.

site -> [out-of-line stub] -> [module stub or ftrace_tramp] -> ftrace_caller -> who it calls
"""

from collections.abc import Iterator
from dataclasses import dataclass

from drgn import FaultError, Object

from klp_debug.analysis.chain.links import Judgement, data_hop, text_hop
from klp_debug.analysis.chain.stubs import FollowedStub, Stubs
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import OPS_POINTER_OFFSET, FtraceRecord
from klp_debug.kernel.ftrace_ops import ftrace_direct_functions
from klp_debug.kernel.ftrace_symbols import CALLS_IN_TRAMPOLINES, DISPATCHERS
from klp_debug.ppc64le.instruction import branch_target
from klp_debug.ppc64le.site import Dialect, Site, SiteState
from klp_debug.ppc64le.stub import OOL_STUB_WORDS, decode_ool_stub
from klp_debug.result.address import Address
from klp_debug.result.func import Hop
from klp_debug.result.unknown import Unknown, first_unknown


@dataclass(frozen=True, slots=True)
class PatchedSite:
    """What a live patch expects of a site."""

    ops: Object
    """``struct ftrace_ops *`` of the patch."""
    handler: int | None
    """Address of ``klp_ftrace_handler``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePath:
    """The way from a site into ftrace, as far as it could be followed."""

    hops: tuple[Hop, ...]
    """The links in order."""
    stubs: tuple[FollowedStub, ...]
    """The module stubs and ftrace_tramps among them."""
    stopped: Unknown | None
    """Why the next link could not be read; None if the way was followed to its end."""


def follow_site(
    view: KernelView,
    stubs: Stubs,
    site: Site,
    record: FtraceRecord | None,
    *,
    leaf: bool | Unknown,
    patched: PatchedSite | Unknown | None = None,
) -> SitePath:
    """
    Follow a site into ftrace; a link that cannot be read ends the way.

    That it is one becomes a problem of the view.

    :param leaf: whether its function sets no TOC before it
    :param patched: whom the call must reach, if the function is live-patched
    """
    follower = _Follower(view, stubs, site, record, leaf=leaf, patched=patched)
    where = f"path of the site {view.symbols.label(site.address)}"
    links = view.problems.walk(where, follower.links())
    return SitePath(
        hops=tuple(link.hop for link in links),
        stubs=tuple(link.stub for link in links if link.stub is not None),
        stopped=first_unknown((links.missing, follower.unknown)),
    )


@dataclass(frozen=True, slots=True)
class _Link:
    """A link, and the stub that makes it, if one does."""

    hop: Hop
    stub: FollowedStub | None = None


class _Follower:
    """Follows one site; what its methods raise is what reading a link raises."""

    def __init__(
        self,
        view: KernelView,
        stubs: Stubs,
        site: Site,
        record: FtraceRecord | None,
        *,
        leaf: bool | Unknown,
        patched: PatchedSite | Unknown | None,
    ) -> None:
        self._view = view
        self._stubs = stubs
        self._site = site
        self._record = record
        self._leaf = leaf
        self._patched = patched
        self.unknown: Unknown | None = None
        """Why the way could not be followed further, where nothing failed to be read on it."""

    @property
    def _unpatched(self) -> bool | Unknown:
        """Whether no live patch expects anything of the site."""
        return self._patched if isinstance(self._patched, Unknown) else self._patched is None

    def _if_unpatched(self, what: str) -> Judgement:
        """Judge what is right only where no live patch expects something else."""
        unpatched = self._unpatched
        if isinstance(unpatched, Unknown):
            what += "; what a live patch expects is unknown"
        return Judgement(what, ok=unpatched)

    def links(self) -> Iterator[_Link]:
        site = self._site
        yield _Link(self._site_hop())
        if site.state is not SiteState.ARMED or site.target is None:
            return
        target: int | None = site.target
        if site.dialect is Dialect.OUT_OF_LINE:
            hop = self._ool_hop(site.target)
            target = hop.next if isinstance(hop.next, int) else None
            yield _Link(hop)
        if target is not None:
            yield from self._to_trampoline(int(target))

    def _site_hop(self) -> Hop:
        site = self._site
        armed = site.state is SiteState.ARMED
        if armed:
            what = "bl" if site.is_call else "b"
        elif site.state is SiteState.IDLE:
            what = "idle: calls nothing"
        else:
            what = "neither nop nor branch"
        ok: bool | Unknown = armed
        if site.state is SiteState.IDLE:
            # A patched function whose site is idle is broken: nothing reaches its patch.
            ok = self._unpatched
        return text_hop(
            self._view,
            "site",
            site.address,
            (site.word,),
            Judgement(what, ok),
            next_=site.target,
        )

    def _ool_hop(self, address: int) -> Hop:
        words = self._view.words(address, OOL_STUB_WORDS)
        stub = decode_ool_stub(words, address)
        if stub is None:
            judgement = Judgement("no out-of-line stub: not mflr r0; bl; mtlr r0; b", ok=False)
        elif stub.site != self._site.address:
            judgement = Judgement(
                f"out-of-line stub of another site, {Address(stub.site)}", ok=False
            )
        else:
            judgement = Judgement("saves LR in r0, calls, and returns behind the site", ok=True)
        if self._record is not None and self._record.ool_stub != address:
            judgement = judgement.but(f"its record names {Address(self._record.ool_stub)}")
        target = stub.call_target if stub is not None else None
        return text_hop(self._view, "ool-stub", address, words, judgement, next_=target)

    def _to_trampoline(self, target: int) -> Iterator[_Link]:
        name = self._stubs.trampolines.get(target)
        if name is None and (direct := self._direct_hop(target)) is not None:
            yield _Link(direct)
            return
        if name is None:
            stub = self._stubs.follow(target)
            yield _Link(self._stub_hop(stub), stub)
            if isinstance(stub.target, Unknown):
                self.unknown = stub.target
            if not isinstance(stub.target, int):
                return
            name, target = self._stubs.trampolines.get(stub.target), stub.target
        if name is None:
            yield _Link(self._astray(target))
            return
        for hop in self._trampoline_hops(target, name):
            yield _Link(hop)

    def _astray(self, target: int) -> Hop:
        """Return the link of a path that leads to no trampoline."""
        words: tuple[int, ...] = ()
        what = "neither ftrace_caller nor ftrace_regs_caller"
        try:
            words = self._view.words(target, 1)
        except FaultError:
            what += ", and nothing can be read there"
        judgement = Judgement(what, ok=False)
        return text_hop(self._view, "trampoline", target, words, judgement, next_=None)

    def _direct_hop(self, target: int) -> Hop | None:
        """Return the link of a site that calls something of its own (BPF, ftrace-direct)."""
        if ftrace_direct_functions(self._view.prog).get(self._site.address) != target:
            return None
        words = self._view.words(target, 1)
        judgement = Judgement(
            "direct call: what direct_functions has for this site", ok=self._unpatched
        )
        return text_hop(self._view, "direct", target, words, judgement, next_=None)

    def _stub_hop(self, followed: FollowedStub) -> Hop:
        return text_hop(
            self._view,
            "stub",
            followed.stub.address,
            followed.words,
            self._judge_stub(followed),
            next_=followed.target,
        )

    def _judge_stub(self, followed: FollowedStub) -> Judgement:
        """Say what a stub is and whether the caller's r2 harms it."""
        owner = self._owner(followed)
        # What r2 holds at the site comes first: where that is the caller's, the target computed
        # with the module's TOC is not where this call goes.
        if followed.stub.needs == "r2":
            if isinstance(self._leaf, Unknown):
                return Judgement(
                    f"{owner}; finds its target through r2; whether this function has set it is"
                    " unknown",
                    ok=self._leaf,
                )
            if self._leaf:
                return Judgement(
                    f"{owner}; finds its target through r2, which here is still the caller's",
                    ok=False,
                )
            how = "finds its target through r2, which this function has set"
        elif isinstance(followed.target, Unknown):
            return Judgement(f"{owner}; where it leads is unknown", ok=followed.target)
        elif followed.target is None:
            return Judgement(
                f"{owner}; its target cannot be told ({followed.stub.kind.value})", ok=False
            )
        elif followed.stub.needs == "kernel-toc":
            how = "target from the paca's kernel TOC, needs no r2"
        elif followed.stub.needs == "kernel-base":
            how = "target from the paca's kernel base, needs no r2"
        else:
            how = "needs no r2"
        judgement = Judgement(f"{owner}; {how}", ok=True)
        wrong = followed.disagreement
        if isinstance(wrong, Unknown):
            return Judgement(
                f"{judgement.what}; whether magic and funcdata agree is unknown", wrong
            )
        # The code is right, but what the kernel noted beside it says otherwise.
        return judgement if wrong is None else judgement.but(wrong)

    def _owner(self, followed: FollowedStub) -> str:
        if isinstance(followed.owner, Unknown):
            return "a stub of an unknown module's"
        if followed.member is not None:
            return f"{followed.owner}'s ftrace stub (mod->arch.{followed.member})"
        if followed.owner is not None:
            return f"a stub of {followed.owner}'s"
        symbol = self._view.symbols.known_at(followed.stub.address)
        return "a stub without a symbol" if symbol is None else symbol.label

    def _trampoline_hops(self, address: int, name: str) -> Iterator[Hop]:
        view = self._view
        words = view.words(address, 1)
        if view.call_ops and self._record is not None:
            pointer: int | None = self._record.ool_stub + OPS_POINTER_OFFSET
            what = "saves the registers and calls the site's own ftrace_ops"
        else:
            labels = view.symbols.named(CALLS_IN_TRAMPOLINES[name], "vmlinux")
            pointer = labels[0].address if labels else None
            what = "saves the registers and calls"
        yield text_hop(view, "trampoline", address, words, Judgement(what, ok=True), next_=pointer)
        if pointer is None:
            return
        if view.call_ops:
            yield from self._ops_pointer_hops(pointer)
        else:
            yield self._call_hop(pointer)

    def _call_hop(self, call: int) -> Hop:
        """Return the link of a trampoline that calls one function for all sites."""
        word = self._view.words(call, 1)[0]
        callee = branch_target(word, call)
        judgement = self._judge_callee(callee)
        return text_hop(self._view, "dispatch", call, (word,), judgement, next_=callee)

    def _judge_callee(self, callee: int | None) -> Judgement:
        symbol = self._view.symbols.covering(callee) if callee is not None else None
        if isinstance(symbol, Unknown):
            return Judgement("what it calls is unknown", ok=symbol)
        called = symbol.name if symbol is not None else "something without a symbol"
        if called in DISPATCHERS:
            return Judgement(f"calls {called}, which calls every ops on ftrace_ops_list", ok=True)
        patched = self._patched
        handler = patched.handler if isinstance(patched, PatchedSite) else None
        if symbol is not None and symbol.address == handler:
            return Judgement(f"calls {called} directly: the only ops", ok=True)
        return self._if_unpatched(f"calls {called}")

    def _ops_pointer_hops(self, pointer: int) -> Iterator[Hop]:
        """Iterate over the links of a site with an ftrace_ops of its own."""
        view = self._view
        address = int(view.prog.read_u64(pointer))
        ops = Object(view.prog, "struct ftrace_ops *", address)
        direct = _direct_call(ops)
        yield data_hop(view, "dispatch", pointer, address, self._judge_ops(ops, direct))
        if direct:
            hop = self._direct_hop(direct)
            if hop is None:
                words = view.words(direct, 1)
                judgement = Judgement("not what direct_functions has for this site", ok=False)
                hop = text_hop(view, "direct", direct, words, judgement, next_=None)
            yield hop

    def _judge_ops(self, ops: Object, direct: int) -> Judgement:
        """
        Say whom a site with an ftrace_ops of its own calls.

        :param ops: ``struct ftrace_ops *``
        :param direct: what ftrace_caller jumps to instead of calling it; 0 if nothing
        """
        view, patched = self._view, self._patched
        if isinstance(patched, PatchedSite) and patched.ops.value_() == ops.value_():
            return Judgement("the patch's own ftrace_ops, called directly: the only ops", ok=True)
        if view.symbols.format(ops.value_()) == "ftrace_list_ops":
            return Judgement("ftrace_list_ops: calls every ops on ftrace_ops_list", ok=True)
        # A patched function that anything else has for itself never reaches its patch.
        if direct:
            what = "the only ops: a direct call, which ftrace_caller makes"
        else:
            what = f"the only ops: calls {view.symbols.label(ops.func.value_())}"
        return self._if_unpatched(what)


def _direct_call(ops: Object) -> int:
    """
    Return what ftrace_caller jumps to instead of calling the ops; 0 if nothing.

    It is where a branch from the site reaches no direct function. On powerpc since Linux
    kernel commit a52f6043a223 ("powerpc/ftrace: Add support for DYNAMIC_FTRACE_WITH_DIRECT_CALLS")
    (in v6.13).
    """
    try:
        return int(ops.direct_call.value_())
    except AttributeError:
        return 0
