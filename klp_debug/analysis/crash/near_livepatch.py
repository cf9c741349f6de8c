# SPDX-License-Identifier: GPL-2.0-or-later
"""
A crash near live patching, which no rule explains: nobody may say that it is not involved.

In livepatch's or ftrace's own code, or in module memory where no module is any more.
"""

import itertools
import re
from collections.abc import Iterator

from klp_debug.analysis.catalogue import CRASH_IN_LIVEPATCH, CRASH_IN_REMOVED_MODULE
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.crash.in_replacement import of_the_crash
from klp_debug.analysis.crash.led_astray import led_astray
from klp_debug.kernel.ftrace_symbols import LIVEPATCH_HANDLER
from klp_debug.kernel.livepatch import livepatch_tainted
from klp_debug.kernel.module import last_unloaded_module
from klp_debug.result.bt import Frame
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown, first_unknown

_OWN_CODE = re.compile(r"(?:__)?(?:klp|livepatch|ftrace)_")
"""What the functions of kernel/livepatch and ftrace, and of their way into a patch, begin with."""
_CALLED = "A task was in a replacement there when the module of the patch was removed."
_SHOWN = 8
_LOG_LINES = 4


def judge(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if the crash is near live patching; None if it is not."""
    for rule in (_in_removed_module, led_astray, _in_own_code):
        judged = rule(scene)
        if judged is not None:  # where one could not be read, no later rule is a fact
            return judged
    return None


def _in_own_code(scene: CrashScene) -> Verdict | Unknown | None:
    trace = scene.trace
    if isinstance(trace, Unknown):
        return trace
    frames = [frame for frame in of_the_crash(trace) if not frame.inlined]
    number = next((n for n, frame in enumerate(frames) if _OWN_CODE.match(str(frame.symbol))), None)
    if number is None:
        return first_unknown((*trace.frames, *(frame.symbol for frame in frames)))
    return Verdict(
        blame="involved",
        id=CRASH_IN_LIVEPATCH.id,
        what=(
            "Live patching or tracing is involved in this crash.",
            f"The kernel was in {frames[number].symbol}, its own code for that.",
        ),
        proof=(*_lines(frames[: number + 2]), *_log(scene)),
        now=CRASH_IN_LIVEPATCH.action,
    )


def _lines(frames: list[Frame]) -> Iterator[str]:
    for number, frame in enumerate(frames[:_SHOWN]):
        symbol = "in no symbol" if frame.symbol is None else str(frame.symbol)
        yield f"#{number} {frame.pc} {symbol}"


def _in_removed_module(scene: CrashScene) -> Verdict | Unknown | None:
    view, registers, wild = scene.view, scene.registers, scene.wild
    if isinstance(registers, Unknown) or isinstance(wild, Unknown) or not wild:
        return first_unknown((registers, wild))
    tainted = view.problems.attempt("tainted_mask", livepatch_tainted, view.prog)
    if isinstance(tainted, Unknown) or not tainted:
        return tainted if isinstance(tainted, Unknown) else None
    area = view.problems.attempt("the area of modules", _module_area, scene)
    if isinstance(area, Unknown):
        return area
    if int(registers.nip) not in area and int(registers.link) not in area:
        return None
    last = view.problems.attempt("last_unloaded_module", last_unloaded_module, view.prog)
    if isinstance(last, Unknown):
        return last
    instead_of = _replacing(scene)
    proof = (
        f"NIP = {registers.nip}, LR = {registers.link}: in the area of modules, where none is",
        *_called_by_livepatch(instead_of),
        "the kernel is tainted by a live patch (K)",
        f"the module removed last is {last}" if last else "no module is noted as removed",
        *_log(scene),
    )
    where = f"It crashed at {registers.nip}, in the area of modules, where none is now."
    was = f"The module that was removed last, {last}, was a live patch."
    removed_last = (was,) if last is not None and _was_livepatch(scene, last) else ()
    if instead_of is not None:
        return _removed("is", proof, where, _CALLED, *removed_last)
    if removed_last:
        return _removed("is most likely", proof, where, *removed_last)
    return Verdict(
        blame="cannot be told",
        what=("Whether live patching is involved in this crash cannot be told.", where),
        proof=proof,
        why=(
            "A live patch was loaded since boot. Whether its module was there when a task came back"
            " to it, the kernel does not keep."
        ),
        now=CRASH_IN_REMOVED_MODULE.action,
    )


def _replacing(scene: CrashScene) -> Frame | None:
    """
    Return who called the function that the code at NIP replaced; None if it did not replace any.

    That livepatch called the code is known if its handler's frame is the next one.
    """
    if isinstance(scene.trace, Unknown):
        return None
    frames = [frame for frame in of_the_crash(scene.trace) if not frame.inlined]
    for handler, caller in itertools.pairwise(frames[1:3]):
        symbol = str(handler.symbol).partition("+")[0]
        if symbol == LIVEPATCH_HANDLER and caller.from_livepatch_stack:
            return caller
    return None


def _called_by_livepatch(caller: Frame | None) -> Iterator[str]:
    if caller is not None:
        yield (
            f"{LIVEPATCH_HANDLER} called it where {caller.symbol} called a patched function: that"
            " call is still on the livepatch stack"
        )


def _removed(sure: str, proof: tuple[str, ...], *what: str) -> Verdict:
    return Verdict(
        blame="involved",
        id=CRASH_IN_REMOVED_MODULE.id,
        what=(f"The code of a live patch that is gone {sure} involved in this crash.", *what),
        proof=proof,
        now=CRASH_IN_REMOVED_MODULE.action,
    )


def _module_area(scene: CrashScene) -> range:
    """Return where modules can be: in vmalloc memory."""
    prog = scene.view.prog
    return range(prog["__vmalloc_start"].value_(), prog["__vmalloc_end"].value_())


def _was_livepatch(scene: CrashScene, module: str) -> bool:
    """Return whether the log knows a module as a live patch."""
    return any(record.text.startswith(f"livepatch: '{module}'") for record in scene.view.log)


def _log(scene: CrashScene) -> Iterator[str]:
    """Iterate over the last that the log has of live patches."""
    lines = [record.text for record in scene.view.log if record.text.startswith("livepatch: ")]
    for line in lines[-_LOG_LINES:]:
        yield f"the log: {line}"
    if scene.view.log.missing is not None:
        yield f"the log is incomplete: {scene.view.log.missing.reason}"
