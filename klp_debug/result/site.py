# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``site``: one mcount site against its record, its stubs and its ops."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.address import Address, Word
from klp_debug.result.common import Finding, Problem
from klp_debug.result.func import Hop, Namesake, RecordResult, SiteResult
from klp_debug.result.kernel import Kernel
from klp_debug.result.text import with_module
from klp_debug.result.unknown import Unknown, first_unknown, known


@dataclass(frozen=True, slots=True, kw_only=True)
class StubResult:
    """A stub or trampoline between a site and ftrace's own trampoline."""

    address: Address
    owner: str | Unknown | None
    """The module that it belongs to; None for vmlinux's."""
    words: tuple[Word, ...]
    kind: str
    """What it does, as :class:`klp_debug.ppc64le.stub.StubKind` names it."""
    needs: Literal["r2", "kernel-toc", "kernel-base"] | None
    """What must be right for it to find its target: its module's TOC, the kernel's, or nothing."""
    target: Address | Unknown | None
    """Where it goes, computed from its instructions; None where they do not tell."""
    target_symbol: str | Unknown | None
    magic: Word | Unknown | None
    """``ppc64_stub_entry.magic``, of a module's stub only."""
    funcdata: Address | Unknown | None
    """``ppc64_stub_entry.funcdata``: where the module loader says it goes."""
    disagreement: str | Unknown | None
    """What magic and funcdata say of it that is not so; None if nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOps:
    """A registered ftrace_ops that wants the site."""

    address: Address
    symbol: str | Unknown | None
    user: str | Unknown | None
    patch: str | Unknown | None
    func: Address
    func_symbol: str | Unknown | None
    flags: tuple[str, ...]
    held_by: tuple[str | Unknown, ...] = ()
    """
    Whose it is, by name, as far as the kernel keeps that: its kprobes with their trace events, the
    BPF programs with their ids, the tracing instance.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """The answer of ``site``."""

    kernel: Kernel
    function: str | Unknown | None
    """None where no symbol covers the site: most likely a weak function that the linker dropped."""
    module: str | Unknown | None
    """None for vmlinux."""
    namesakes: tuple[Namesake | Unknown, ...]
    """Functions of its name in live patches."""
    leaf_without_toc: bool | Unknown
    """Whether the function sets no TOC before the site, so that r2 is its caller's."""
    site: SiteResult | Unknown
    record: RecordResult
    path: tuple[Hop | Unknown, ...]
    """From the site into ftrace, up to the link that cannot be read, which is ``Unknown``."""
    stubs: tuple[StubResult | Unknown, ...]
    """Those on the path."""
    ops: tuple[SiteOps | Unknown, ...]
    """In the order in which they are called; one that may want the site is ``Unknown``."""
    findings: tuple[Finding | Unknown, ...]
    """And for each check that could not be made an ``Unknown``."""
    problems: tuple[Problem, ...]

    @property
    def label(self) -> str:
        """How people call it: ``name [module]``; by its address where no symbol is known."""
        if isinstance(self.function, str) and not isinstance(self.module, Unknown):
            return with_module(self.function, self.module)
        unknown = ", whose symbol is unknown" if isinstance(self.function, Unknown) else ""
        return f"the function at {self.record.ip}{unknown}"

    @property
    def unknown(self) -> Unknown | None:
        """The first thing that could not be read or checked; None if all could."""
        path, stubs, ops = known(self.path), known(self.stubs), known(self.ops)
        return first_unknown(
            (
                self.function,
                *self.namesakes,
                self.leaf_without_toc,
                self.site,
                self.record.agrees,
                *self.path,
                *(hop.ok for hop in path),
                *self.stubs,
                *(stub.disagreement for stub in stubs),
                *self.ops,
                *(one.patch for one in ops),
                *self.findings,
            )
        )

    @property
    def clean(self) -> bool:
        """Whether everything fits together and could be read."""
        fits = all(hop.ok is True for hop in known(self.path))
        return fits and not self.findings and not self.problems and self.unknown is None
