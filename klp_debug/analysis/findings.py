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
SITE_WRONG_TRAMPOLINE = Kind(
    "site-wrong-trampoline",
    "error",
    "The mcount site leads to the other ftrace trampoline than its record asks for.",
    "ftrace_caller saves no full registers and ftrace_regs_caller does: an ops that needs them,"
    " such as a kprobe's, gets none. Compare the site's call with the record's REGS_EN.",
)
SITE_WRONG_OPS = Kind(
    "site-wrong-ops",
    "error",
    "The ftrace_ops that a site's out-of-line stub points to is not the one that its record"
    " asks for.",
    "A call of this function runs the callback of that ops, or none. The pointer is text: the"
    " kernel writes it only when tracers or patches change.",
)
STUB_CORRUPT = Kind(
    "stub-corrupt",
    "error",
    "The words of a stub are none that the kernel writes, or do not fit its magic and funcdata.",
    "Something else wrote there. What calls through this stub goes astray: compare it with the"
    " module's other stubs, and look for who wrote it.",
)
STUB_WRONG_TARGET = Kind(
    "stub-wrong-target",
    "error",
    "A stub does not lead where it must: to an ftrace trampoline, or to its funcdata.",
    "Whatever calls through it goes where the stub leads; if armed sites do, disable their"
    " tracers and patches before one of the functions is called.",
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
RECORD_FLAGS_MISMATCH = Kind(
    "record-flags-mismatch",
    "error",
    "A flag of an ftrace record is not what the registered ftrace_ops make of it.",
    "The record is damaged: the next change of a tracer or patch on this function may write a"
    " wrong word, or compare with one and shut ftrace off.",
)
OPS_WRONG_CALLBACK = Kind(
    "ops-wrong-callback",
    "error",
    "The callback of a registered ftrace_ops is not the beginning of any function.",
    "The next call of any function that it hooks jumps there. Find out whose ops it is (`ops`)"
    " and whether its module is gone.",
)
TRAMPOLINE_WRONG_CALL = Kind(
    "trampoline-wrong-call",
    "error",
    "An ftrace trampoline does not call what ftrace_trace_function says.",
    "All armed sites call it: something else wrote the trampoline's text.",
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
    SITE_WRONG_TRAMPOLINE,
    SITE_WRONG_OPS,
    STUB_CORRUPT,
    STUB_WRONG_TARGET,
    TOC_STUB_ON_LEAF,
    RECORD_OUTSIDE_TEXT,
    RECORD_FLAGS_MISMATCH,
    OPS_COUNT_MISMATCH,
    OPS_WRONG_CALLBACK,
    TRAMPOLINE_WRONG_CALL,
    FTRACE_DISABLED,
)
