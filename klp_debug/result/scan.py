# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``scan``: object files before anything is loaded."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.address import Address
from klp_debug.result.audit import Offsets
from klp_debug.result.common import Problem, Severity

FileKind = Literal["object", "module", "livepatch", "vmlinux"]
FunctionKindName = Literal["leaf", "toc", "notrace", "no-site", "unlisted"]
"""
Whether a function can be traced: ``leaf`` has a site and sets no TOC before it, ``toc`` has one
behind its TOC set-up; ``notrace`` has none though others of its compile unit (of its file, where
that is not known) have, ``no-site`` has none as none of its unit has; ``unlisted`` was compiled
with one that no list names, so that ftrace does not know it.
"""
TocSetup = Literal["r12", "pcrel", "none"]
"""How a function gets its TOC, as ``func`` names it."""
LEVELS: tuple[Severity, ...] = ("note", "warning", "error")
"""From the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """One thing about a livepatch module that will hurt, or may."""

    id: str
    level: Severity
    file: str
    subject: str
    """The function, object or symbol it is about."""
    evidence: str
    meaning: str
    action: str
    fingerprint: str
    """Stays the same as long as file name, id and subject do: what a baseline accepts."""
    accepted: bool
    """Whether the baseline has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCounts:
    """How many functions are of each kind; they add up to ``functions``."""

    functions: int
    leaf: int
    toc: int
    notrace: int
    no_site: int
    unlisted: int = 0

    @property
    def traceable(self) -> int:
        """How many have a site."""
        return self.leaf + self.toc


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedFunction:
    """One function."""

    name: str
    section: str
    address: Address
    """Of its global entry point; in a relocatable file, bytes from the section's start."""
    size: int
    kind: FunctionKindName
    site: int | None
    """Bytes from the global entry point to the site."""
    dialect: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A function that is to be replaced, as its object's file has it."""

    section: str
    address: Address
    """As in :class:`ScannedFunction`."""
    kind: FunctionKindName
    toc_setup: TocSetup
    site: int | None
    dialect: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A function that is to run instead."""

    name: str
    section: str
    offset: int
    """Bytes from the section's start."""
    toc_setup: TocSetup


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedFunction:
    """One ``struct klp_func``."""

    object: str
    """``vmlinux`` or a module's name."""
    old_name: str
    sympos: int
    original: Original | None
    """None if its object was not given or it could not be found there."""
    replacement: Replacement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedFile:
    """One file."""

    path: str
    kind: FileKind
    name: str
    """The module's name; of another file, the file's."""
    vermagic: str | None
    dialect: str
    pcrel: bool
    """Whether the code addresses data relative to the PC and has no TOC."""
    compilers: tuple[str, ...]
    site_sources: tuple[str, ...]
    """What names the sites: ``__mcount_loc``, ``__patchable_function_entries``, ..."""
    counts: FunctionCounts
    sites_outside: int
    """Sites in no function: weak functions that the linker dropped."""
    offsets: tuple[Offsets, ...]
    functions: tuple[ScannedFunction, ...] | None
    """If they were asked for, by section and address."""
    patch: tuple[PredictedFunction, ...] | None
    """What a livepatch module replaces; None of another file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The answer of ``scan``."""

    files: tuple[ScannedFile, ...]
    hazards: tuple[Hazard, ...]
    fail_on: Severity
    """From which level on a hazard makes the exit code 1."""
    skipped: int
    """ELF files in the given folders that are no ppc64le objects."""
    problems: tuple[Problem, ...]

    @property
    def failing(self) -> tuple[Hazard, ...]:
        """The hazards of that level and above which the baseline does not accept."""
        least = LEVELS.index(self.fail_on)
        return tuple(
            hazard
            for hazard in self.hazards
            if not hazard.accepted and LEVELS.index(hazard.level) >= least
        )

    @property
    def clean(self) -> bool:
        """Whether no hazard counts and everything could be read."""
        return not self.failing and not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPart(Scan):
    """One file of a folder, as soon as it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRest(Scan):
    """The whole answer, each file of which was shown as a :class:`ScanPart` already."""
