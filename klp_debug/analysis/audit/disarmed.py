# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of live patches: which functions a debugger holds disarmed."""

from collections.abc import Iterator

import numpy as np
from drgn import Object

from klp_debug.analysis import catalogue
from klp_debug.analysis.audit.sites import Sites
from klp_debug.analysis.patches.disarmed import disarmed_by, ftrace_stub, redirected_to
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import ftrace_ops_filter
from klp_debug.kernel.livepatch import klp_func_patch, klp_patch_name
from klp_debug.ppc64le.instruction import NOP
from klp_debug.result.address import Address, Word
from klp_debug.result.common import Finding
from klp_debug.result.list import Mechanism
from klp_debug.result.unknown import Unknown, first_unknown


class DisarmedFunctions:
    """The functions that a debugger holds disarmed, of some sites."""

    def __init__(self, view: KernelView, sites: Sites) -> None:
        """Look at every func_stack; what cannot be read becomes a problem of the view."""
        self._view = view
        self.findings: list[Finding | Unknown] = []
        self.ops: set[int] = set()
        """Addresses of the ftrace_ops that are held, those that want none of the sites as well."""
        self.ips: set[int] = set()
        """The sites that are held."""
        if not view.has_livepatch:
            return
        stacks = view.once(FuncStacks).all
        # Livepatch's ops have IPMODIFY, which ftrace notes in the record of each site they want.
        if stacks.missing is not None and sites.flagged("IPMODIFY").any():
            self.findings.append(stacks.missing)
        for stack in stacks:
            where = f"klp_ops {stack.ops.value_():#x}"
            read = view.problems.attempt(where, self._look_at, stack, sites)
            if isinstance(read, Unknown):
                self.findings.append(read)

    @property
    def missing(self) -> Unknown | None:
        """Why a debugger may hold other functions; None if it holds none but these."""
        return first_unknown(self.findings)

    def _look_at(self, stack: FuncStack, sites: Sites) -> None:
        # Also where its site is none of these: an ops is judged whatever sites it wants.
        if stack.ops.fops.func.value_() == ftrace_stub(self._view):
            self.ops.add(stack.ops.fops.address_)
        ips = ftrace_ops_filter(stack.ops.fops).filter
        if np.isin(sites.ips, np.array(sorted(ips), np.uint64)).any():
            # One by one: those before an entry that cannot be read are kept.
            self.findings.extend(self._of(stack, ips))

    def _of(self, stack: FuncStack, ips: frozenset[int]) -> Iterator[Finding | Unknown]:
        if stack.missing is not None:
            yield stack.missing
        for position in range(len(stack.funcs)):
            mechanism = disarmed_by(self._view, stack, position)
            if isinstance(mechanism, Unknown):
                yield mechanism
            if mechanism is None or isinstance(mechanism, Unknown):
                continue
            if mechanism == "site":
                self.ips |= ips
            patch = klp_patch_name(klp_func_patch(stack.funcs[position]))
            name = self._view.symbols.label(stack.old_func)
            yield catalogue.DISARMED_BY_DEBUGGER.on(
                name, f"{patch}, by {mechanism}: {self._evidence(stack, position, mechanism, ips)}"
            )

    def _evidence(
        self, stack: FuncStack, position: int, mechanism: Mechanism, ips: frozenset[int]
    ) -> str:
        func = stack.funcs[position]
        if mechanism == "ops":
            at = Address(stack.ops.fops.func.address_)
            return f"klp_ops.fops.func at {at} is ftrace_stub, not klp_ftrace_handler"
        if mechanism == "site":
            idle = [ip for ip in sorted(ips) if self._view.words(ip, 1)[0] == NOP]
            sites = ", ".join(str(Address(ip)) for ip in idle)
            return f"its mcount site {sites} holds {Word(NOP)}, though its ftrace_ops is enabled"
        if mechanism == "nop":
            at = Address(func.nop.address_)
            return f"klp_func.nop at {at} is set, though new_func is not the original"
        below = redirected_to(self._view, stack, position)
        assert isinstance(below, Object)
        return (
            f"klp_func.new_func at {Address(func.new_func.address_)} is that of"
            f" {klp_patch_name(klp_func_patch(below))} below it"
        )
