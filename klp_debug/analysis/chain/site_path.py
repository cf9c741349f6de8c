# SPDX-License-Identifier: GPL-2.0-or-later
"""
The way from an mcount site into ftrace, each link checked against the next.

site -> [out-of-line stub] -> [module stub or ftrace_tramp] -> ftrace_caller -> who it calls
"""

from collections.abc import Iterator
from dataclasses import dataclass

from drgn import FaultError, Object

from klp_debug.analysis.chain.links import data_hop, text_hop
from klp_debug.analysis.chain.stubs import FollowedStub, Stubs
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import OPS_POINTER_OFFSET, FtraceRecord
from klp_debug.kernel.ftrace_ops import ftrace_direct_functions
from klp_debug.kernel.ftrace_symbols import CALLS_IN_TRAMPOLINES, DISPATCHERS
from klp_debug.ppc64le.instruction import branch_target
from klp_debug.ppc64le.site import Dialect, Site, SiteState
from klp_debug.ppc64le.stub import OOL_STUB_WORDS, decode_ool_stub
from klp_debug.result.address import Address
from klp_debug.result.function import Hop

"""
Trampoline -> label of its patched call (trace/ftrace_entry.S).

A CALL_OPS kernel has none: the trampoline loads the callback from the site's own ftrace_ops.
"""


@dataclass(frozen=True, slots=True)
class PatchedSite:
    """What a live patch expects of a site."""

    ops: Object
    """``struct ftrace_ops *`` of the patch."""
    handler: int | None
    """Address of ``klp_ftrace_handler``."""


class SitePath:
    """Follows one site."""

    def __init__(
        self,
        view: KernelView,
        stubs: Stubs,
        site: Site,
        record: FtraceRecord | None,
        *,
        leaf: bool,
        patched: PatchedSite | None = None,
    ) -> None:
        """
        Prepare to follow a site.

        :param leaf: whether its function sets no TOC before it
        :param patched: whom the call must reach, if the function is live-patched
        """
        self._view = view
        self._stubs = stubs
        self._site = site
        self._record = record
        self._leaf = leaf
        self._patched = patched
        self.followed: list[FollowedStub] = []
        """The stubs on the way, once :meth:`hops` has been run through."""

    def hops(self) -> Iterator[Hop]:
        """
        Iterate over the links in order.

        :raises WalkError, drgn.FaultError: where one cannot be read
        """
        site = self._site
        yield self._site_hop()
        if site.state is not SiteState.ARMED or site.target is None:
            return
        target: int | None = site.target
        if site.dialect is Dialect.OUT_OF_LINE:
            hop, target = self._ool_hop(site.target)
            yield hop
        if target is not None:
            yield from self._to_trampoline(target)

    def _site_hop(self) -> Hop:
        site = self._site
        armed = site.state is SiteState.ARMED
        if armed:
            what = "bl" if site.is_call else "b"
        elif site.state is SiteState.IDLE:
            what = "idle: calls nothing"
        else:
            what = "neither nop nor branch"
        # A patched function whose site is idle is broken: nothing reaches its patch.
        ok = armed if self._patched is not None else site.state is not SiteState.UNKNOWN
        return text_hop(
            self._view, "site", site.address, (site.word,), ok=ok, what=what, next_=site.target
        )

    def _ool_hop(self, address: int) -> tuple[Hop, int | None]:
        words = self._view.words(address, OOL_STUB_WORDS)
        stub = decode_ool_stub(words, address)
        target = None
        if stub is None:
            what, ok = "no out-of-line stub: not mflr r0; bl; mtlr r0; b", False
        elif stub.site != self._site.address:
            what, ok = f"out-of-line stub of another site, {Address(stub.site)}", False
        else:
            what, ok, target = "saves LR in r0, calls, and returns behind the site", True, None
        if stub is not None:
            target = stub.call_target
        if self._record is not None and self._record.ool_stub != address:
            what, ok = f"{what}; its record names {Address(self._record.ool_stub)}", False
        return text_hop(
            self._view, "ool-stub", address, words, ok=ok, what=what, next_=target
        ), target

    def _to_trampoline(self, target: int) -> Iterator[Hop]:
        name = self._stubs.trampolines.get(target)
        if name is None and (direct := self._direct_hop(target)) is not None:
            yield direct
            return
        if name is None:
            hop, through = self._stub_hop(target)
            yield hop
            if through is None:
                return
            name, target = self._stubs.trampolines.get(through), through
        if name is None:
            yield self._astray(target)
            return
        yield from self._trampoline_hops(target, name)

    def _astray(self, target: int) -> Hop:
        """Return the link of a path that leads to no trampoline."""
        words: tuple[int, ...] = ()
        what = "neither ftrace_caller nor ftrace_regs_caller"
        try:
            words = self._view.words(target, 1)
        except FaultError:
            what += ", and nothing can be read there"
        return text_hop(self._view, "trampoline", target, words, ok=False, what=what, next_=None)

    def _direct_hop(self, target: int) -> Hop | None:
        """Return the link of a site that calls something of its own (BPF, ftrace-direct)."""
        if ftrace_direct_functions(self._view.prog).get(self._site.address) != target:
            return None
        words = self._view.words(target, 1)
        ok = self._patched is None
        what = "direct call: what direct_functions has for this site"
        return text_hop(self._view, "direct", target, words, ok=ok, what=what, next_=None)

    def _stub_hop(self, address: int) -> tuple[Hop, int | None]:
        followed = self._stubs.follow(address)
        self.followed.append(followed)
        what, ok = self._judge(followed)
        hop = text_hop(
            self._view,
            "stub",
            address,
            followed.words,
            ok=ok,
            what=what,
            next_=followed.target,
        )
        return hop, followed.target

    def _judge(self, followed: FollowedStub) -> tuple[str, bool]:
        """Say what a stub is and whether the caller's r2 harms it."""
        owner = self._owner(followed)
        if followed.stub.needs == "r2":
            if self._leaf:
                return (
                    f"{owner}; finds its target through r2, which here is still the caller's",
                    False,
                )
            what, ok = f"{owner}; finds its target through r2, which this function has set", True
        elif followed.target is None:
            return f"{owner}; its target cannot be told ({followed.stub.kind.value})", False
        elif followed.stub.needs == "kernel-toc":
            what, ok = f"{owner}; target from the paca's kernel TOC, needs no r2", True
        elif followed.stub.needs == "kernel-base":
            what, ok = f"{owner}; target from the paca's kernel base, needs no r2", True
        else:
            what, ok = f"{owner}; needs no r2", True
        if followed.disagreement is not None:
            what, ok = f"{what}; {followed.disagreement}", False
        return what, ok

    def _owner(self, followed: FollowedStub) -> str:
        if followed.member is not None:
            return f"{followed.owner}'s ftrace stub (mod->arch.{followed.member})"
        if followed.owner is not None:
            return f"a stub of {followed.owner}'s"
        return self._view.symbols.format(followed.stub.address) or "a stub without a symbol"

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
        yield text_hop(view, "trampoline", address, words, ok=True, what=what, next_=pointer)
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
        what, ok = self._callee(callee)
        return text_hop(self._view, "dispatch", call, (word,), ok=ok, what=what, next_=callee)

    def _callee(self, callee: int | None) -> tuple[str, bool]:
        symbol = self._view.symbols.covering(callee) if callee is not None else None
        called = symbol.name if symbol is not None else "something without a symbol"
        if called in DISPATCHERS:
            return f"calls {called}, which calls every ops on ftrace_ops_list", True
        patched = self._patched
        if patched is not None and symbol is not None and symbol.address == patched.handler:
            return f"calls {called} directly: the only ops", True
        return f"calls {called}", patched is None

    def _ops_pointer_hops(self, pointer: int) -> Iterator[Hop]:
        """Iterate over the links of a site with an ftrace_ops of its own."""
        view, patched = self._view, self._patched
        address = int(view.prog.read_u64(pointer))
        ops = Object(view.prog, "struct ftrace_ops *", address)
        direct = _direct_call(ops)
        if patched is not None and patched.ops.value_() == address:
            what, ok = "the patch's own ftrace_ops, called directly: the only ops", True
        elif view.symbols.format(address) == "ftrace_list_ops":
            what, ok = "ftrace_list_ops: calls every ops on ftrace_ops_list", True
        elif direct:
            what, ok = "the only ops: a direct call, which ftrace_caller makes", patched is None
        else:
            callback = view.symbols.format(ops.func.value_()) or "something without a symbol"
            what, ok = f"the only ops: calls {callback}", patched is None
        yield data_hop(view, "dispatch", pointer, address, ok=ok, what=what)
        if direct:
            hop = self._direct_hop(direct)
            if hop is None:
                words = view.words(direct, 1)
                what = "not what direct_functions has for this site"
                hop = text_hop(view, "direct", direct, words, ok=False, what=what, next_=None)
            yield hop


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
