# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash where no text is, reached by the call of an mcount site."""

from klp_debug.analysis.crash.scene import CrashScene
from klp_debug.analysis.findings import WILD_BRANCH
from klp_debug.analysis.site_report import report_site
from klp_debug.result.report import Verdict


def judge(scene: CrashScene) -> Verdict | None:
    """Return the verdict if the last call came from an mcount site; None if it did not."""
    index, registers = scene.site, scene.registers
    if index is None or registers is None or not scene.wild:
        return None
    site = report_site(scene.view, index)
    name = f"{site.function} [{site.module}]" if site.module else str(site.function)
    proof = [
        f"NIP = {registers.nip}, which is no text; LR = {registers.link}, behind the call that the"
        f" mcount site of {name} makes",
        *(
            ": ".join(filter(None, (f"{hop.kind} {hop.address}", hop.bytes, hop.what)))
            for hop in site.path
        ),
        *(f"{finding.id}: {finding.evidence}" for finding in site.findings),
    ]
    return Verdict(
        blame="caused",
        id=WILD_BRANCH.id,
        what=(
            "Live patching or tracing caused this crash.",
            f"The call at the mcount site of {name} led to {registers.nip}, where no text is.",
        ),
        proof=tuple(proof),
        why=None,
        now=WILD_BRANCH.action,
        checked=(),
    )
