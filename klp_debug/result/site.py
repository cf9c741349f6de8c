# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``site``: one mcount site against its record, its stubs and its ops."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.address import Address, Word
from klp_debug.result.common import Finding, Problem
from klp_debug.result.func import Hop, RecordResult, SiteResult
from klp_debug.result.kernel import Kernel
from klp_debug.result.text import with_module
from klp_debug.result.unknown import Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class StubResult:
    """A stub or trampoline between a site and ftrace's own trampoline."""

    address: Address
    owner: str | None
    """The module that it belongs to; None for vmlinux's."""
    words: tuple[Word, ...]
    kind: str
    """What it does, as :class:`klp_debug.ppc64le.stub.StubKind` names it."""
    needs: Literal["r2", "kernel-toc", "kernel-base"] | None
    """What must be right for it to find its target: its module's TOC, the kernel's, or nothing."""
    target: Address | None
    """Where it goes, computed from its instructions."""
    target_symbol: str | None
    magic: Word | None
    """``ppc64_stub_entry.magic``, of a module's stub only."""
    funcdata: Address | None
    """``ppc64_stub_entry.funcdata``: where the module loader says it goes."""
    disagreement: str | None
    """What magic and funcdata say of it that is not so."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """The answer of ``site``."""

    kernel: Kernel
    function: str | None
    """None where no symbol covers the site: a weak function that the linker dropped."""
    module: str | None
    """None for vmlinux."""
    leaf_without_toc: bool
    """Whether the function sets no TOC before the site, so that r2 is its caller's."""
    site: SiteResult
    record: RecordResult
    path: tuple[Hop, ...]
    """From the site into ftrace."""
    stubs: tuple[StubResult, ...]
    """Those on the path."""
    ops: tuple[SiteOps, ...]
    """In the order in which they are called."""
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]

    @property
    def label(self) -> str:
        """How people call it: ``name [module]``; by its address where no symbol covers it."""
        name = self.function or f"the function at {self.site.address}"
        return with_module(name, self.module)

    @property
    def clean(self) -> bool:
        """Whether everything fits together and could be read."""
        return not self.findings and not self.problems and all(hop.ok for hop in self.path)
