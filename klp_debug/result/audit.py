# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``audit``: every mcount site against its record, its stub and its ops."""

from dataclasses import dataclass

from klp_debug.result.finding import Finding
from klp_debug.result.kernel import Kernel
from klp_debug.result.problem import Problem


@dataclass(frozen=True, slots=True)
class Count:
    """How many sites are of one kind."""

    what: str
    sites: int


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where the sites are in functions of one kind."""

    toc_setup: bool
    """Whether these functions set up a TOC before their site; a leaf function does not."""
    offset: int
    """Bytes from the global entry point to the site."""
    sites: int


@dataclass(frozen=True, slots=True)
class Audit:
    """The answer of ``audit``."""

    kernel: Kernel
    sites: int
    """Ftrace records of the kernel and its modules."""
    unread: int
    """Sites whose words could not be read."""
    without_symbol: int
    """
    Sites in no function's symbol: a weak function that the linker dropped for a strong one leaves
    its text and its site behind.
    """
    dialects: tuple[Count, ...]
    states: tuple[Count, ...]
    offsets: tuple[Offsets, ...]
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]

    @property
    def clean(self) -> bool:
        """Whether everything fits together and could be read."""
        return not self.findings and not self.problems
