# SPDX-License-Identifier: GPL-2.0-or-later
"""The catalogue of findings: what each id means and what to do about it."""

from dataclasses import dataclass

from klp_debug.result.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of finding."""

    id: str
    severity: Severity
    meaning: str
    action: str

    def on(self, subject: str, evidence: str) -> Finding:
        """Return the finding of this kind about a subject."""
        return Finding(self.id, self.severity, subject, evidence, self.meaning, self.action)


SITE_RECORD_MISMATCH = Kind(
    "site-record-mismatch",
    "error",
    "The word at the mcount site is not what the ftrace record says ftrace put there.",
    "Something else wrote kernel text. Do not enable or disable tracers or patches: ftrace"
    " compares before it writes, and shuts itself off where this site differs.",
)
SITE_UNKNOWN_WORD = Kind(
    "site-unknown-word",
    "error",
    "The word at the mcount site is neither an idle one nor a call.",
    "Compare it with vmlinux or the module's file; kprobes and debuggers put traps into text.",
)
SITE_WRONG_TARGET = Kind(
    "site-wrong-target",
    "error",
    "The mcount site calls something that is neither an ftrace trampoline nor a known stub.",
    "Look at the target: a call of this function runs it instead of ftrace.",
)
STUB_WRONG_TARGET = Kind(
    "stub-wrong-target",
    "error",
    "A stub that armed sites call does not lead to an ftrace trampoline.",
    "Every armed function of this module goes where the stub leads; disable them before one"
    " is called.",
)
TOC_STUB_ON_LEAF = Kind(
    "toc-stub-on-leaf",
    "error",
    "A leaf function sets no TOC before its site, but the stub that its site calls needs r2.",
    "Disarm the function: its next call from another module jumps to a wild address. Fixed by"
    ' "powerpc/module: Create a special stub for ftrace_caller()" (336a7b5dd80a).',
)
RECORD_OUTSIDE_TEXT = Kind(
    "record-outside-text",
    "error",
    "An ftrace record names an address outside the text of the kernel and its modules.",
    "The record is damaged, or outlived its module; ftrace would write there.",
)
OPS_COUNT_MISMATCH = Kind(
    "ops-count-mismatch",
    "error",
    "The number of ftrace_ops that want this site is not the count in its record.",
    "The record or a filter hash is damaged: ftrace may leave the site armed, or disarm it"
    " while it is wanted.",
)
FTRACE_DISABLED = Kind(
    "ftrace-disabled",
    "error",
    "ftrace shut itself off (ftrace_disabled) after a site was not what it expected.",
    "Look for 'ftrace bug' in the kernel log. No patch can be enabled or disabled until reboot.",
)

KINDS: tuple[Kind, ...] = (
    SITE_RECORD_MISMATCH,
    SITE_UNKNOWN_WORD,
    SITE_WRONG_TARGET,
    STUB_WRONG_TARGET,
    TOC_STUB_ON_LEAF,
    RECORD_OUTSIDE_TEXT,
    OPS_COUNT_MISMATCH,
    FTRACE_DISABLED,
)
