# SPDX-License-Identifier: GPL-2.0-or-later
"""
Where a call leads that does not reach its target by itself: stubs, and ftrace's trampolines.

A stub is judged by what its instructions do; what the kernel noted beside them (``magic`` and
``funcdata`` of ``struct ppc64_stub_entry``) is compared with that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from drgn import FaultError

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_symbols import FTRACE_CALLER, FTRACE_REGS_CALLER
from klp_debug.kernel.module import (
    module_ftrace_stubs,
    module_name,
    module_sections,
    module_stub_entries,
    module_toc,
)
from klp_debug.ppc64le.replay import LoadError
from klp_debug.ppc64le.stub import STUB_ENTRY_SIZE, STUB_MAGIC, Stub, decode_stub, stub_target


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedStub:
    """A stub, and where it leads."""

    stub: Stub
    words: tuple[int, ...]
    """Its instructions, up to the branch that leaves it; the first word if that is unknown."""
    target: int | None
    """Where it goes, computed from its instructions; None where that cannot be told."""
    owner: str | None
    """The module that it belongs to; None for vmlinux's."""
    member: str | None
    """``tramp`` or ``tramp_regs``, if it is a module's way to an ftrace trampoline."""
    magic: int | None
    funcdata: int | None
    """Both of a module's stub only."""
    toc: int | None
    """What r2 must hold where it is used, if it is a module's."""

    @property
    def disagreement(self) -> str | None:
        """What a module's stub says of itself that is not so; None if nothing."""
        if self.magic is None:
            return None
        if self.magic != STUB_MAGIC:
            return f"its magic is {self.magic:#x}, not {STUB_MAGIC:#x}"
        if self.stub.right_r2 is not None and self.stub.right_r2 != self.toc:
            toc = "unknown" if self.toc is None else f"{self.toc:#x}"
            return f"it wants r2 = {self.stub.right_r2:#x}, its module's TOC is {toc}"
        if self.target is not None and self.funcdata != self.target:
            return f"its funcdata says {self.funcdata:#x}"
        return None


@dataclass(frozen=True, slots=True)
class _Owner:
    """What the stubs of one module share, read once."""

    name: str
    toc: int | None
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
    def _entries(self) -> dict[int, tuple[_Owner, int, int]]:
        """Address of each module's stub -> its module, magic, funcdata."""
        entries = {}
        for module in self._view.modules:
            with self._view.problems.noting(f"stubs of module at {module.value_():#x}"):
                sections = module_sections(module)
                toc = module_toc(sections)
                owner = _Owner(module_name(module), toc, module_ftrace_stubs(module))
                for entry in module_stub_entries(module, sections):
                    magic, funcdata = int(entry["magic"]), int(entry["funcdata"])
                    entries[int(entry["address"])] = owner, magic, funcdata
        return entries

    def of_modules(self) -> Iterator[FollowedStub]:
        """Iterate over all stubs of all modules; one that cannot be read is a problem."""
        for address in self._entries:
            with self._view.problems.noting(f"stub at {address:#x}"):
                yield self.follow(address)

    def follow(self, address: int) -> FollowedStub:
        """
        Follow the stub at an address.

        :raises drgn.FaultError: if it cannot be read
        """
        if address not in self._followed:
            self._followed[address] = self._follow(address)
        return self._followed[address]

    def of_module_at(self, address: int) -> FollowedStub | None:
        """
        Return the module's stub at an address; None if no module has one there.

        :raises drgn.FaultError: if it cannot be read
        """
        return self.follow(address) if address in self._entries else None

    def _follow(self, address: int) -> FollowedStub:
        view = self._view
        words = view.words(address, STUB_ENTRY_SIZE // 4)
        stub = decode_stub(words, address)
        entry = self._entries.get(address)
        owner, magic, funcdata = entry if entry is not None else (None, None, None)
        toc = owner.toc if owner is not None else None
        target = stub_target(
            stub,
            words,
            r2=toc,
            kernel_toc=view.kernel_toc,
            kernel_base=view.kernel_base,
            load=self.load,
        )
        return FollowedStub(
            stub=stub,
            words=words[: max(1, stub.length // 4)],
            target=target,
            owner=owner.name if owner is not None else None,
            member=owner.members.get(address) if owner is not None else None,
            magic=magic,
            funcdata=funcdata,
            toc=toc,
        )

    def load(self, address: int) -> int:
        """
        Return the u64 at an address, as a replay loads it.

        :raises LoadError: if it cannot be read
        """
        try:
            return int(self._view.prog.read_u64(address))
        except FaultError as fault:
            raise LoadError(str(fault)) from None
