# SPDX-License-Identifier: GPL-2.0-or-later
"""Scans object files, before anything is loaded."""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from klp_debug.elf.object_file import ObjectFile
from klp_debug.elf.packed_file import read_elf_bytes
from klp_debug.errors import DebugFileError, ForeignFileError, TargetError
from klp_debug.ppc64le.site_words import DIALECTS
from klp_debug.result.address import Address
from klp_debug.result.audit import Offsets
from klp_debug.result.common import Finding, Problem, Severity
from klp_debug.result.scan import (
    FileKind,
    FunctionCounts,
    Hazard,
    PredictedFunction,
    Scan,
    ScannedFile,
    ScannedFunction,
    ScanPart,
    ScanRest,
)
from klp_debug.result.text import plural
from klp_debug.scan.against import Against
from klp_debug.scan.baseline import fingerprint
from klp_debug.scan.census import KIND_NAMES, Census, FunctionKind, take_census
from klp_debug.scan.debug_files import DebugFiles
from klp_debug.scan.files import candidates
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.listed_sites import check_listed
from klp_debug.scan.local_branches import check_local_branches
from klp_debug.scan.modinfo import ModInfo, compilers_of, modinfo_of
from klp_debug.scan.patch import check_patch
from klp_debug.scan.patch_marks import is_module
from klp_debug.scan.read_ahead import read_ahead


class Scanner:
    """Scans files one by one; what they are compared with is read once."""

    def __init__(
        self,
        *,
        against: Iterable[Path] = (),
        kinds: frozenset[FunctionKind] | None = None,
        accepted: frozenset[str] = frozenset(),
    ) -> None:
        """
        Prepare to scan.

        :param against: vmlinux, modules or folders of them, in which patched functions are sought
        :param kinds: functions of these kinds are listed
        :param accepted: fingerprints of known hazards
        :raises TargetError: if one of these files cannot be used
        """
        self._against = Against(against)
        self._kinds = kinds
        self._accepted = accepted

    def scan(
        self,
        paths: Iterable[Path],
        fail_on: Severity,
        say: Callable[[str], None],
        show: Callable[[ScanPart], None] | None = None,
    ) -> Scan:
        """
        Scan files and the objects in folders.

        :param say: is told the name of each file before it is scanned
        :param show: is given each file when it is done, if there is a folder among the paths; the
            answer is a :class:`~klp_debug.result.scan.ScanRest` then
        :raises TargetError: if a named file cannot be used; one in a folder becomes a problem
        """
        given = list(candidates(paths))
        debug_files = DebugFiles(one.path for one in given)
        wanted = [one for one in given if one.path not in debug_files.used]
        files: list[ScannedFile] = []
        hazards: list[Hazard] = []
        problems: list[Problem] = []
        alone: list[Problem] = []
        skipped = 0
        shown = show is not None and not all(one.named for one in wanted)
        reading = read_ahead(wanted, lambda candidate: read_elf_bytes(candidate.path))
        with contextlib.closing(reading):
            for number, (candidate, content) in enumerate(reading, 1):
                say(f"{number} of {len(wanted)}, {candidate.path.name}")
                try:
                    if isinstance(content, TargetError):
                        raise content
                    file, found = self._file(debug_files.open(candidate.path, content))
                except ForeignFileError:
                    if candidate.named:
                        raise
                    skipped += 1
                except DebugFileError as error:
                    if candidate.named:
                        raise
                    alone.append(Problem(str(candidate.path), str(error)))
                except TargetError as error:
                    if candidate.named:
                        raise
                    problems.append(Problem(str(candidate.path), str(error)))
                else:
                    files.append(file)
                    hazards.extend(found)
                    if shown and show is not None:
                        show(
                            ScanPart(
                                files=(file,),
                                hazards=tuple(found),
                                fail_on=fail_on,
                                skipped=0,
                                problems=(),
                            )
                        )
        return (ScanRest if shown else Scan)(
            files=tuple(files),
            hazards=tuple(hazards),
            fail_on=fail_on,
            skipped=skipped,
            problems=(*problems, *_summed_up(alone)),
        )

    def _file(self, obj: ObjectFile) -> tuple[ScannedFile, list[Hazard]]:
        census = take_census(obj)
        info = modinfo_of(obj)
        log = HazardLog()
        patch = None
        if obj.kind == "relocatable":
            patch = check_patch(census, info, self._against, log)
            check_listed(census, log, is_patch=patch is not None)
            if patch is not None or is_module(obj):
                check_local_branches(obj, log)
        hazards = [self._hazard(obj.path, finding) for finding in log.found]
        return self._describe(census, info, patch), hazards

    def _hazard(self, path: Path, found: Finding) -> Hazard:
        mark = fingerprint(path, found.id, found.subject)
        return Hazard(
            id=found.id,
            level=found.severity,
            file=str(path),
            subject=found.subject,
            evidence=found.evidence,
            meaning=found.meaning,
            action=found.action,
            fingerprint=mark,
            accepted=mark in self._accepted,
        )

    def _describe(
        self, census: Census, info: ModInfo, patch: tuple[PredictedFunction, ...] | None
    ) -> ScannedFile:
        return ScannedFile(
            path=str(census.obj.path),
            kind=_kind(census, info, is_patch=patch is not None),
            name=info.name or census.obj.path.name,
            vermagic=info.vermagic,
            dialect=census.dialect(),
            pcrel=census.pcrel,
            compilers=compilers_of(census.obj),
            site_sources=census.sites.sources,
            counts=_counts(census),
            sites_outside=census.outside,
            offsets=_offsets(census),
            functions=None if self._kinds is None else _listing(census, self._kinds),
            patch=patch,
        )


def _summed_up(alone: list[Problem]) -> list[Problem]:
    """Return one problem for all files of debugging information alone: folders have thousands."""
    if len(alone) < 2:
        return alone
    first = alone[0]
    more = plural(len(alone) - 1, "other file", grouped=True)
    return [Problem(first.where, f"{first.what}; {more} of the folders likewise")]


def _kind(census: Census, info: ModInfo, *, is_patch: bool) -> FileKind:
    if census.obj.kind == "executable":
        return "vmlinux"
    is_a_module = info.name is not None or is_module(census.obj)
    if is_patch and (is_a_module or info.livepatch):
        return "livepatch"
    return "module" if is_a_module else "object"


def _counts(census: Census) -> FunctionCounts:
    numbers = np.bincount(census.kinds, minlength=len(FunctionKind))
    return FunctionCounts(
        functions=len(census.functions),
        leaf=int(numbers[FunctionKind.LEAF]),
        toc=int(numbers[FunctionKind.TOC]),
        notrace=int(numbers[FunctionKind.NOTRACE]),
        no_site=int(numbers[FunctionKind.NO_SITE]),
        unlisted=int(numbers[FunctionKind.UNLISTED]),
    )


def _offsets(census: Census) -> tuple[Offsets, ...]:
    found = []
    for toc_setup in (False, True):
        sites = census.site[(census.site >= 0) & (census.functions.toc_setup == toc_setup)]
        offsets, numbers = np.unique(sites, return_counts=True)
        pairs = zip(offsets.tolist(), numbers.tolist(), strict=True)
        found += [Offsets(toc_setup, offset, number) for offset, number in pairs]
    return tuple(found)


def _listing(census: Census, kinds: frozenset[FunctionKind]) -> tuple[ScannedFunction, ...]:
    functions, sections = census.functions, census.obj.sections
    listed = []
    for index in np.flatnonzero(np.isin(census.kinds, list(kinds))).tolist():
        site = int(census.site[index])
        section = sections[int(functions.section[index])]
        listed.append(
            ScannedFunction(
                name=census.name(index),
                section=section.name,
                address=Address(section.address + int(functions.start[index])),
                size=int(functions.size[index]),
                kind=KIND_NAMES[FunctionKind(int(census.kinds[index]))],
                site=site if site >= 0 else None,
                dialect=DIALECTS[census.dialects[index]].value if site >= 0 else None,
            )
        )
    return tuple(listed)
