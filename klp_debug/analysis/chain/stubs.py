# SPDX-License-Identifier: GPL-2.0-or-later
"""
Where a call leads that does not reach its target by itself: stubs, and ftrace's trampolines.

A stub is judged by what its instructions do; what the kernel noted beside them (``magic`` and
``funcdata`` of ``struct ppc64_stub_entry``) is compared with that.
"""

from dataclasses import dataclass
from functools import cached_property

from drgn import FaultError, Object

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.toc import toc_of_module
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.ftrace_symbols import FTRACE_CALLER, FTRACE_REGS_CALLER
from klp_debug.kernel.module import (
    module_ftrace_stubs,
    module_name,
    module_sections,
    module_stub_entries,
)
from klp_debug.ppc64le.replay import LoadError
from klp_debug.ppc64le.stub import STUB_ENTRY_SIZE, STUB_MAGIC, Stub, decode_stub, stub_target
from klp_debug.result.unknown import Unknown, first_unknown, known


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedStub:
    """A stub, and where it leads."""

    stub: Stub
    words: tuple[int, ...]
    """Its instructions, up to the branch that leaves it; the first word if that is unknown."""
    target: int | Unknown | None
    """Where it goes, computed from its instructions; None where they do not tell."""
    owner: str | Unknown | None
    """The module that it belongs to; None for vmlinux's."""
    member: str | None
    """``tramp`` or ``tramp_regs``, if it is a module's way to an ftrace trampoline."""
    magic: int | None
    funcdata: int | None
    """Both of a module's stub only."""
    toc: int | Unknown | None
    """What r2 must hold where it is used, if it is a module's."""

    @property
    def disagreement(self) -> str | Unknown | None:
        """What a module's stub says of itself that is not so; None if nothing."""
        if isinstance(self.owner, Unknown) or self.magic is None:
            return self.owner if isinstance(self.owner, Unknown) else None
        if self.magic != STUB_MAGIC:
            return f"its magic is {self.magic:#x}, not {STUB_MAGIC:#x}"
        if self.stub.right_r2 is not None:
            if isinstance(self.toc, Unknown):
                return self.toc
            if self.stub.right_r2 != self.toc:
                toc = "not known to the kernel" if self.toc is None else f"{self.toc:#x}"
                return f"it wants r2 = {self.stub.right_r2:#x}, its module's TOC is {toc}"
        if isinstance(self.target, Unknown):
            return self.target
        if self.target is not None and self.funcdata != self.target:
            return f"its funcdata says {self.funcdata:#x}"
        return None


@dataclass(frozen=True, slots=True)
class _Owner:
    """What the stubs of one module share, read once."""

    name: str
    toc: int | Unknown | None
    members: dict[int, str]
    """Address of its ways to the ftrace trampolines -> ``tramp`` or ``tramp_regs``."""


class Stubs:
    """Every stub of a kernel and its modules, followed when asked for."""

    def __init__(self, view: KernelView) -> None:
        """Prepare to follow stubs."""
        self._view = view
        self._followed: dict[int, FollowedStub] = {}

    @cached_property
    def trampolines(self) -> dict[int, str]:
        """Address of each ftrace trampoline -> ``ftrace_caller`` or ``ftrace_regs_caller``."""
        return {
            symbol.address: name
            for name in (FTRACE_CALLER, FTRACE_REGS_CALLER)
            for symbol in self._view.symbols.named(name, "vmlinux")
        }

    @cached_property
    def regs_caller(self) -> str:
        """
        The trampoline that saves all registers.

        Before Linux kernel commit ae30cc05bed2 ("powerpc64/ftrace: Implement support for
        ftrace_regs_caller()") (in v4.18) there is one trampoline, which does.
        """
        there = self.trampolines.values()
        return FTRACE_REGS_CALLER if FTRACE_REGS_CALLER in there else FTRACE_CALLER

    @cached_property
    def _entries(self) -> dict[int, tuple[_Owner, int, int]]:
        """Address of each module's stub -> its module, magic, funcdata."""
        return self._read[0]

    @property
    def missing(self) -> Unknown | None:
        """Why there may be stubs of modules that are not known; None if all are."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[dict[int, tuple[_Owner, int, int]], Unknown | None]:
        entries: dict[int, tuple[_Owner, int, int]] = {}
        missing: list[object] = [self._view.modules.missing]
        for module in self._view.modules:
            where = f"stubs of module at {module.value_():#x}"
            found = self._view.problems.attempt(where, self._entries_of, module)
            if isinstance(found, Unknown):
                missing.append(found)
            else:
                entries.update(found)
        return entries, first_unknown(missing)

    def _entries_of(self, module: Object) -> dict[int, tuple[_Owner, int, int]]:
        """Return address of a module's stub -> its module, magic, funcdata."""
        sections = module_sections(module)
        toc = toc_of_module(self._view, module, sections)
        owner = _Owner(module_name(module), toc, module_ftrace_stubs(module))
        return {
            int(entry["address"]): (owner, int(entry["magic"]), int(entry["funcdata"]))
            for entry in module_stub_entries(module, sections)
        }

    def of_modules(self) -> Walked[FollowedStub]:
        """Return all stubs of all modules."""
        followed = [
            self._view.problems.attempt(f"stub at {address:#x}", self.follow, address)
            for address in self._entries
        ]
        return Walked(known(followed), first_unknown((self.missing, *followed)))

    def follow(self, address: int) -> FollowedStub:
        """
        Follow the stub at an address.

        :raises drgn.FaultError: if it cannot be read
        """
        if address not in self._followed:
            self._followed[address] = self._follow(address)
        return self._followed[address]

    def of_module_at(self, address: int) -> FollowedStub | Unknown | None:
        """
        Return the module's stub at an address; None if no module has one there.

        :raises drgn.FaultError: if it cannot be read
        """
        if address in self._entries:
            return self.follow(address)
        return None if self._view.symbols.known_at(address) is not None else self.missing

    def _follow(self, address: int) -> FollowedStub:
        view = self._view
        words = view.words(address, STUB_ENTRY_SIZE // 4)
        stub = decode_stub(words, address)
        entry = self._entries.get(address)
        owner, magic, funcdata = entry if entry is not None else (None, None, None)
        toc = owner.toc if owner is not None else None
        name: str | Unknown | None = owner.name if owner is not None else None
        if owner is None and self.missing is not None and not self._of_vmlinux(address):
            name = toc = self.missing
        return FollowedStub(
            stub=stub,
            words=words[: max(1, stub.length // 4)],
            target=self._target(stub, words, toc),
            owner=name,
            member=owner.members.get(address) if owner is not None else None,
            magic=magic,
            funcdata=funcdata,
            toc=toc,
        )

    def _of_vmlinux(self, address: int) -> bool:
        symbol = self._view.symbols.known_at(address)
        return symbol is not None and symbol.module is None

    def _target(
        self, stub: Stub, words: tuple[int, ...], toc: int | Unknown | None
    ) -> int | Unknown | None:
        """Return where a stub goes; Unknown if that hangs on what could not be read."""
        failed: list[Unknown] = []

        def load(address: int) -> int:
            try:
                return self.load(address)
            except LoadError as error:
                failed.append(self._view.problems.add(f"what {stub.address:#x} loads", str(error)))
                raise

        view = self._view
        given = {"r2": toc, "kernel_toc": view.kernel_toc, "kernel_base": view.kernel_base}
        numbers = {name: None if isinstance(g, Unknown) else g for name, g in given.items()}
        target = stub_target(stub, words, load=load, **numbers)
        if target is not None:
            return target
        needed = {"r2": "r2", "kernel-toc": "kernel_toc", "kernel-base": "kernel_base"}
        hangs_on = given[needed[stub.needs]] if stub.needs is not None else None
        return first_unknown((hangs_on, *failed))

    def load(self, address: int) -> int:
        """
        Return the u64 at an address, as a replay loads it.

        :raises LoadError: if it cannot be read
        """
        try:
            return int(self._view.prog.read_u64(address))
        except FaultError as fault:
            raise LoadError(str(fault)) from None
