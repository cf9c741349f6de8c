# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash at a mcount site, or in its out-of-line stub, that holds what ftrace did not write."""

from klp_debug.analysis.audit.site import report_site
from klp_debug.analysis.catalogue import SITE_UNKNOWN_WORD
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.crash.hooked_by import hooked_by
from klp_debug.analysis.view.find_site import site_at
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown, first_unknown, known


def judge(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if NIP is at a site that does not fit together; None if it is not."""
    if isinstance(scene.registers, Unknown):
        return scene.registers
    index = site_at(scene.view, int(scene.registers.nip))
    if index is None or isinstance(index, Unknown):
        return index
    site = report_site(scene.view, index)
    findings = known(site.findings)
    if not findings:
        return first_unknown(site.findings)
    name = site.label
    return Verdict(
        blame="caused",
        id=findings[0].id,
        what=(
            f"The kernel crashed at the mcount site of {name}, which is not what ftrace made it.",
            f"Hooked by: {hooked_by(site.ops) or 'nobody'}.",
        ),
        proof=(
            f"NIP = {scene.registers.nip}: at the site, or in its out-of-line stub",
            *(f"{finding.id}: {finding.evidence}" for finding in findings),
            f"its record is at {site.record.address}: {' '.join(site.record.flags) or 'no flag'}",
        ),
        now=SITE_UNKNOWN_WORD.action,
    )
