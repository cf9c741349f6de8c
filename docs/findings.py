# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes findings.md from the catalogue of findings: ``make docs``."""

from pathlib import Path

from klp_debug.analysis.catalogue import KINDS
from klp_debug.result.common import FindingKind
from klp_debug.scan.hazards import HAZARDS

PAGE = Path(__file__).with_name("findings.md")

_HEAD = """\
<!-- Made by `make docs` from klp_debug/analysis/catalogue.py and scan/hazards.py; change these. -->

# Findings

What `klp-debug audit` and `klp-debug site` report where a kernel's mcount sites, ftrace records,
stubs and registered ftrace_ops contradict each other. With a finding the exit code is 1. In a JSON
document each is an object in `findings`, and its `id` is one of those below.

A running target (`--qemu`, `-k`) is read while it changes: in the middle of enabling or disabling
a tracer or patch, the kernel itself does not fit together for a moment. Ask again before you
believe a finding there. In a vmcore, see whether a task was in `ftrace_replace_code()`.
"""

_HAZARDS_HEAD = """\
# Hazards

What `klp-debug scan` reports of a livepatch module before it is loaded. With one of the level that
`--fail-on` names or above (`warning`, if it names none) the exit code is 1. In a JSON document each
is an object in `hazards`, in SARIF a rule; its `id` is one of those below.
"""


def findings_page() -> str:
    """Return the page, as Markdown that code hosts and MyST read alike."""
    parts = [_HEAD, *map(_section, KINDS), _HAZARDS_HEAD, *map(_section, HAZARDS)]
    return "\n".join(parts)


def _section(kind: FindingKind) -> str:
    return f"""\
## {kind.id}

Severity: {kind.severity}

**Means:** {kind.meaning}

**Evidence:** {kind.shows}

**Do:** {kind.action}
"""


if __name__ == "__main__":
    PAGE.write_text(findings_page(), encoding="ascii")
