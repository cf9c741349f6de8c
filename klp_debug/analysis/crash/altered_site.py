# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash at a mcount site, or in its out-of-line stub, that holds what ftrace did not write."""

from klp_debug.analysis.audit.site import report_site
from klp_debug.analysis.catalogue import SITE_UNKNOWN_WORD
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.view.find_site import site_at
from klp_debug.result.report import Verdict


def judge(scene: CrashScene) -> Verdict | None:
    """Return the verdict if NIP is at a site that does not fit together; None if it is not."""
    if scene.registers is None:
        return None
    index = site_at(scene.view, int(scene.registers.nip))
    if index is None:
        return None
    site = report_site(scene.view, index)
    if not site.findings:
        return None
    name = site.label
    users = sorted({ops.patch or ops.user or "an unknown ops" for ops in site.ops})
    return Verdict(
        blame="caused",
        id=site.findings[0].id,
        what=(
            f"Something altered the mcount site of {name}, and the kernel crashed there.",
            f"Hooked by: {', '.join(users) or 'nobody'}.",
        ),
        proof=(
            f"NIP = {scene.registers.nip}: at the site, or in its out-of-line stub",
            *(f"{finding.id}: {finding.evidence}" for finding in site.findings),
            f"its record is at {site.record.address}: {' '.join(site.record.flags) or 'no flag'}",
        ),
        now=SITE_UNKNOWN_WORD.action,
    )
