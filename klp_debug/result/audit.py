# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``audit``: every mcount site against its record, its stub and its ops."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.address import Address
from klp_debug.result.common import Finding, Problem
from klp_debug.result.kernel import Kernel
from klp_debug.result.unknown import Number, Unknown, lowest


@dataclass(frozen=True, slots=True)
class Count:
    """How many sites are of one kind."""

    what: str
    sites: Number


@dataclass(frozen=True, slots=True)
class StubCount:
    """How many of the modules' stubs are of one kind."""

    what: str
    """How they find their target."""
    stubs: Number


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where the sites are in functions of one kind."""

    toc_setup: bool
    """Whether these functions set up a TOC before their site; a leaf function does not."""
    offset: int
    """Bytes from the global entry point to the site."""
    sites: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSite:
    """One mcount site."""

    address: Address
    function: str | Unknown | None
    """None where no symbol covers the site."""
    module: str | Unknown | None
    """None for vmlinux."""
    offset: int | Unknown | None
    """Bytes from the function's global entry point."""
    dialect: str | Unknown
    state: Literal["idle", "armed", "unknown"] | Unknown
    """``unknown`` of a word that was read, but is neither."""
    users: int
    """How many ftrace_ops want it, as its record counts them."""
    flags: tuple[str, ...]
    """Names of the set ``FTRACE_FL_*`` bits of its record, without the prefix."""
    letters: str
    """What ``tracing/enabled_functions`` shows of them: ``R``, ``I``, ``D``, ``O``, ``M``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The answer of ``audit``."""

    kernel: Kernel
    sites: Number
    """Ftrace records of the kernel and its modules."""
    read: Number
    """Sites whose words could be read; at least so many, where others could not."""
    without_symbol: Number
    """
    Sites in no function's symbol: most likely a weak function that the linker dropped for a strong
    one, which leaves its text and its site behind.
    """
    dialects: tuple[Count | Unknown, ...]
    states: tuple[Count | Unknown, ...]
    offsets: tuple[Offsets | Unknown, ...]
    stubs: tuple[StubCount | Unknown, ...]
    findings: tuple[Finding | Unknown, ...]
    """And for each check that could not be made an ``Unknown``."""
    listing: tuple[ListedSite | Unknown, ...] | None
    """Every site, by address, if it was asked for."""
    problems: tuple[Problem, ...]

    @property
    def unread(self) -> int:
        """Of how many sites that are known the words could not be read."""
        return lowest(self.sites) - lowest(self.read)

    @property
    def clean(self) -> bool:
        """Whether everything fits together and could be read."""
        return not self.findings and not self.problems
