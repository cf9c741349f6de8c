# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``func``: one function from its entry to what really runs."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.address import Address, Word
from klp_debug.result.common import Problem
from klp_debug.result.kernel import Kernel
from klp_debug.result.list import Mechanism, Runs, Tasks
from klp_debug.result.unknown import Unknown, known

HopKind = Literal[
    "site",
    "ool-stub",
    "stub",
    "direct",
    "trampoline",
    "dispatch",
    "ops",
    "handler",
    "winner",
    "replacement",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One disassembled instruction."""

    address: Address
    words: tuple[Word, ...]
    """One word, or two for a prefixed instruction of POWER10."""
    mnemonic: str
    operands: str
    notes: tuple[str, ...]
    """What this instruction is to the function: ``mcount site, +0x4, armed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryResult:
    """Where a function is entered, and how it gets its TOC."""

    global_: Address
    """Reached by pointer; r12 holds this address."""
    local: Address
    """Reached by a direct call within the module."""
    toc_setup: Literal["r12", "absolute", "pcrel", "none"] | Unknown
    toc: Address | Unknown | None
    """What the TOC set-up puts in r2, where the words alone tell it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteResult:
    """The instruction that ftrace switches."""

    address: Address
    offset: int | Unknown | None
    """Bytes from the global entry point; None where no symbol covers the site."""
    state: Literal["idle", "armed", "unknown"]
    word: Word
    target: Address | None
    """Where the word branches to."""
    target_symbol: str | Unknown | None
    dialect: str | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResult:
    """The site's ``struct dyn_ftrace``."""

    address: Address
    """Of the record itself."""
    ip: Address
    flags: tuple[str, ...]
    """Names of the set ``FTRACE_FL_*`` bits, without the prefix."""
    flags_word: Address
    users: int
    """How many ftrace_ops want this site: the count in the low bits of ``flags``."""
    ool_stub: Address | None
    """``arch.ool_stub``: ``insn[0]`` of its out-of-line stub, where the kernel has such."""
    agrees: bool | Unknown
    """Whether ``FTRACE_FL_ENABLED`` agrees with the word at the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One link of the call chain, checked against the next."""

    kind: HopKind
    address: Address
    symbol: str | Unknown | None
    ok: bool | Unknown
    bytes: str | Unknown
    """The evidence: instruction words, or the doubleword of the data structure, in hex."""
    what: str
    """What was found, in a few words."""
    next: Address | Unknown | None
    """Where this hop goes, computed from its bytes; None at the end, and where they go nowhere."""


@dataclass(frozen=True, slots=True)
class Winner:
    """The top of the function's func_stack."""

    patch: str | Unknown
    new_func: Address
    symbol: str | Unknown | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InPatch:
    """What a function in the module of a live patch is to that patch."""

    patch: str
    applied: bool
    """Whether the patch is in ``klp_patches``."""
    replaces: str | None
    """The function that it is the replacement of; None if of none that is known."""
    runs: Runs | Unknown | None
    """What a call of that one runs, as :data:`klp_debug.result.list.Runs` says."""
    tasks: Tasks | Unknown | None
    """Which tasks run it, where that is ``in transition``."""
    above: str | Unknown | None
    """The patch whose version runs instead, where that is ``overridden``."""
    disarmed: Mechanism | Unknown | None
    """How a debugger holds it disarmed; None if none does."""


@dataclass(frozen=True, slots=True)
class Namesake:
    """A function of a live patch that has the name of its original, as kpatch makes them."""

    module: str
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class FuncReport:
    """The answer of ``func``."""

    kernel: Kernel
    name: str
    module: str | None
    """None for vmlinux."""
    aliases: tuple[str, ...]
    """Its other names: ``init_module``, which every module's init function has."""
    namesakes: tuple[Namesake | Unknown, ...]
    """Functions of its name in live patches."""
    in_patch: InPatch | Unknown | None
    """What it is to the live patch whose module it is in; None if it is in none."""
    address: Address
    size: int
    """In bytes."""
    entry: EntryResult
    leaf_without_toc: bool | Unknown
    """Whether the function sets no TOC before its mcount site, so that r2 is its caller's."""
    site: SiteResult | Unknown | None
    no_site: str | Unknown | None
    """Why there is none."""
    record: RecordResult | Unknown | None
    listing: tuple[Line | Unknown, ...]
    """The function's beginning, up to and a little past its mcount site."""
    chain: tuple[Hop | Unknown, ...]
    """Up to the link that cannot be read, which is ``Unknown``."""
    winner: Winner | Unknown | None
    replacement: tuple[Line | Unknown, ...]
    """The replacement's own beginning."""
    replacement_entry: EntryResult | Unknown | None
    runs: str | Unknown
    """One sentence: what a call of this function runs."""
    problems: tuple[Problem, ...]

    @property
    def clean(self) -> bool:
        """Whether everything could be read and every hop leads to the next."""
        return (
            not self.problems
            and not isinstance(self.in_patch, Unknown)
            and all(hop.ok is True for hop in known(self.chain))
            and (not isinstance(self.record, RecordResult) or self.record.agrees is True)
        )
