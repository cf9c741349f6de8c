# SPDX-License-Identifier: GPL-2.0-or-later
"""
Why a patch did not load or does not apply: the kernel tells it in its log, and nowhere else.

Source: kernel/livepatch/core.c and patch.c, ``restore_r2()`` in arch/powerpc/kernel/module_64.c.
"""

import errno
import re
from dataclasses import dataclass

from klp_debug.analysis.patches.ops import registered_ops_at
from klp_debug.analysis.view.find_site import site_of_function
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.refusal import Refusal
from klp_debug.result.site import SiteOps
from klp_debug.result.unknown import Unknown, first_unknown, known


@dataclass(frozen=True, slots=True)
class _Line:
    """One kind of line."""

    shape: re.Pattern[str]
    """Its group ``function`` is one that somebody else may have, if it has such a group."""
    means: str
    do: str


def _line(shape: str, means: str, do: str) -> _Line:
    return _Line(re.compile(shape), means, do)


_NO_SITE = "ftrace has no site that it could switch there: the function is notrace, inlined or gone"
_BUSY = errno.EBUSY
_LINES = (
    _line(
        r"livepatch: failed to register ftrace handler for function '(?P<function>[^']+)'"
        rf" \(-{_BUSY}\)",
        "Another user of ftrace changes the instruction pointer of that function (IPMODIFY): only"
        " one may.",
        "Remove the kprobe with a post_handler, the BPF program or the other patch from the"
        " function, then load the patch again.",
    ),
    _line(
        r"livepatch: failed to register ftrace handler for function '[^']+' \(-\d+\)",
        "ftrace did not take livepatch's handler for that function.",
        "Look at the lines before it, and whether ftrace_disabled or kernel.ftrace_enabled is in"
        " the way.",
    ),
    _line(
        r"livepatch: failed to set ftrace filter for function '[^']+' \(-\d+\)",
        f"{_NO_SITE}.",
        "See in `func` why it has no mcount site. Patch its callers instead.",
    ),
    _line(
        r"livepatch: failed to find location for function '[^']+'",
        f"{_NO_SITE}.",
        "See in `func` why it has no mcount site. Patch its callers instead.",
    ),
    _line(
        r"livepatch: symbol '[^']+' not found in symbol table",
        "The patch names a symbol that the object does not have: another build, or it was inlined.",
        "Build the patch for exactly this kernel and these modules.",
    ),
    _line(
        r"livepatch: unresolvable ambiguity for symbol '[^']+'",
        "Several symbols have that name, and the patch does not say which (sympos 0).",
        "Give the symbol's position in the patch; `scan` says which there are.",
    ),
    _line(
        r"livepatch: symbol position \d+ for symbol '[^']+' in object '[^']*' not found",
        "The object has fewer symbols of that name than the position that the patch gives.",
        "Build the patch for exactly this kernel and these modules.",
    ),
    _line(
        r"livepatch: kallsyms size lookup failed for '[^']+'",
        "kallsyms does not know the size of a function: its symbol is not there.",
        "Build the patch for exactly this kernel and these modules.",
    ),
    _line(
        r"livepatch: failed to (?:initialize|apply) patch '[^']+' (?:for|to) module '[^']+'",
        "The patch could not be applied to a module that was being loaded.",
        "Look at the lines before it: they say which function or symbol is the reason.",
    ),
    _line(
        r"livepatch: patch '[^']+' failed for module '[^']+', refusing to load module",
        "The module was not loaded, because a patch of it would not have been applied.",
        "Disable the patch, or mend it, then load the module again.",
    ),
    _line(
        r"livepatch: failed to patch object '[^']+'",
        "One object of the patch could not be patched, so none was.",
        "Look at the lines before it: they say which function is the reason.",
    ),
    _line(
        r"livepatch: failed to enable patch '[^']+'",
        "The patch was not enabled, and its module is not loaded.",
        "Look at the lines before it: they say why.",
    ),
    _line(
        r"livepatch: Livepatch patch \([^)]+\) is not compatible with the already installed",
        "A patch that was loaded before keeps a state (klp_state) that this one does not know.",
        "Load a cumulative patch (replace) that knows the states, or disable the older one first.",
    ),
    _line(
        r"livepatch: module \S+ is not marked as a livepatch module",
        'The module calls klp_enable_patch() but has no MODULE_INFO(livepatch, "Y").',
        "Add it to the module's source.",
    ),
    _line(
        r"livepatch: invalid access to vmlinux symbol '[^']+' from module-specific",
        "A relocation section of a module's names a symbol of vmlinux.",
        "Build the patch anew with a newer kpatch-build or klp-build.",
    ),
    _line(
        r"livepatch: (?:symbol|section) .* has an incorrectly formatted name",
        "The patch has a .klp.sym or .klp.rela name that livepatch cannot read.",
        "Build the patch anew; `scan` shows the names.",
    ),
    _line(
        r"livepatch: pre-patch callback failed for object '[^']+'",
        "The patch's own pre_patch callback refused.",
        "Read that callback in the patch's source.",
    ),
    _line(
        r"(?:\S+: )+Expected nop after call, got [0-9a-f]{8} at ",
        "The loader must restore the TOC after a call out of the module, and the instruction behind"
        " the call is no nop: a sibling call, or a call that the compiler took for a local one.",
        "Build the patch with -fno-optimize-sibling-calls, and with the kernel's own compiler.",
    ),
    _line(
        r"livepatch: failed to ",
        "livepatch could not do what the line says.",
        "Look at the lines around it.",
    ),
)


def refusals(view: KernelView) -> tuple[Refusal | Unknown, ...]:
    """
    Return what the kernel's log has of patches that were not loaded or not applied.

    The oldest comes first.

    >>> [refusal.line for refusal in known(refusals(view))]
    []

    What of the log cannot be read is ``Unknown``.
    """
    found = [
        _refusal(view, record.seconds, line, kind)
        for record in view.log
        for line in record.text.splitlines()
        if (kind := _kind(line)) is not None
    ]
    missing = view.log.missing
    return (*found, *((missing,) if missing is not None else ()))


def _kind(line: str) -> _Line | None:
    return next((kind for kind in _LINES if kind.shape.match(line)), None)


def _refusal(view: KernelView, seconds: float, line: str, kind: _Line) -> Refusal:
    match = kind.shape.match(line)
    function = match["function"] if match is not None and "function" in match.groupdict() else None
    return Refusal(
        seconds=seconds,
        line=line,
        means=kind.means,
        do=kind.do,
        in_the_way=_in_the_way(view, function) if function is not None else None,
    )


def _names(ops: SiteOps) -> list[str]:
    if isinstance(ops.patch, str):
        return [ops.patch]
    if known(ops.held_by):
        return list(known(ops.held_by))
    return [ops.user if isinstance(ops.user, str) else f"ftrace_ops {ops.address}"]


def _in_the_way(view: KernelView, function: str) -> str:
    """Return who changes the instruction pointer of a function now."""
    users: list[str] = []
    unread: list[object] = []
    for symbol in view.symbols.named(function):
        index = site_of_function(view, symbol)
        if not isinstance(index, int):
            unread.append(index)
            continue
        found = registered_ops_at(view, view.records[index].ip)
        unread += found
        unread += [name for ops in known(found) for name in ops.held_by]
        for ops in known(found):
            if "IPMODIFY" in ops.flags:
                users += _names(ops)
    missing = first_unknown(unread)
    if users:
        others = "" if missing is None else "; whether others have it is unknown"
        return f"now: {', '.join(dict.fromkeys(users))}{others}"
    if missing is not None:
        return "who has it now is unknown"
    return "nobody any more"
