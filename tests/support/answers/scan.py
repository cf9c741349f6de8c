# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``scan`` built by hand."""

from klp_debug.result.address import Address
from klp_debug.result.audit import Offsets
from klp_debug.result.scan import (
    FunctionCounts,
    Hazard,
    Original,
    PredictedFunction,
    Replacement,
    Scan,
    ScannedFile,
    ScannedFunction,
)

MODULE = ScannedFile(
    path="scsi_common.ko",
    kind="module",
    name="scsi_common",
    vermagic="6.1.176 SMP mod_unload mprofile-kernel relocatable ",
    dialect="mprofile-kernel (2 instructions)",
    pcrel=False,
    compilers=("GCC: (Debian 12.2.0-14) 12.2.0",),
    site_sources=("__mcount_loc",),
    counts=FunctionCounts(functions=9, leaf=5, toc=3, notrace=1, no_site=0),
    sites_outside=0,
    offsets=(Offsets(False, 4, 5), Offsets(True, 12, 3)),
    functions=None,
    patch=None,
)
PATCH = ScannedFile(
    path="a/leaf_patch.ko",
    kind="livepatch",
    name="leaf_patch",
    vermagic=None,
    dialect="mprofile-kernel (2 instructions)",
    pcrel=False,
    compilers=(),
    site_sources=(),
    counts=FunctionCounts(functions=2, leaf=1, toc=0, notrace=0, no_site=1),
    sites_outside=1,
    offsets=(Offsets(False, 4, 1),),
    functions=None,
    patch=(
        PredictedFunction(
            object="scsi_common",
            old_name="int_to_scsilun",
            sympos=0,
            original=Original(
                section=".text",
                address=Address(0x1E0),
                kind="leaf",
                toc_setup="none",
                site=4,
                dialect="mprofile-kernel (2 instructions)",
            ),
            replacement=Replacement(
                name="patched_int_to_scsilun", section=".text", offset=0, toc_setup="none"
            ),
        ),
        PredictedFunction(
            object="vmlinux",
            old_name="sched_clock",
            sympos=2,
            original=Original(
                section=".text",
                address=Address(0xC00000000000B000),
                kind="notrace",
                toc_setup="r12",
                site=None,
                dialect=None,
            ),
            replacement=None,
        ),
        PredictedFunction(object="gone", old_name="f", sympos=0, original=None, replacement=None),
    ),
)
WARNING = Hazard(
    id="object-not-given",
    level="warning",
    file="a/leaf_patch.ko",
    subject="gone",
    evidence="1 of its functions is to be replaced",
    meaning="Not given.",
    action="Give it.",
    fingerprint="0123456789abcdef",
    accepted=False,
)
ERROR = Hazard(
    id="original-without-site",
    level="error",
    file="a/leaf_patch.ko",
    subject="sched_clock,2 [vmlinux]",
    evidence=".text 0xc00000000000b000: notrace \x1b[2J",
    meaning="It has no site.",
    action="Replace its callers.",
    fingerprint="fedcba9876543210",
    accepted=False,
)
FUNCTIONS = (
    ScannedFunction(
        name="f",
        section=".text",
        address=Address(8),
        size=120,
        kind="toc",
        site=12,
        dialect="mprofile-kernel (2 instructions)",
    ),
    ScannedFunction(
        name="g,\x1b",
        section=".text",
        address=Address(0x80),
        size=4,
        kind="notrace",
        site=None,
        dialect=None,
    ),
)


def scan(*files: ScannedFile, hazards: tuple[Hazard, ...] = (), **told: object) -> Scan:
    settings = {"fail_on": "warning", "skipped": 0, "problems": ()} | told
    return Scan(files=files, hazards=hazards, **settings)  # type: ignore[arg-type]
