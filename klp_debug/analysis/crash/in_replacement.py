# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash inside a replacement, or in what a replacement called."""

from klp_debug.analysis.catalogue import CRASH_IN_REPLACEMENT
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.patches.list import livepatches
from klp_debug.result.bt import Frame, TaskTrace
from klp_debug.result.list import PatchedFunction
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown, first_unknown, known


def judge(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if a replacement is on the stack of the crash; None if there is none."""
    trace = scene.trace
    if isinstance(trace, Unknown):
        return trace
    frames = [frame for frame in of_the_crash(trace) if not frame.inlined]
    number, frame = next(
        ((n, f) for n, f in enumerate(frames) if f.role in ("replacement", "retired")), (0, None)
    )
    roles = [shown.role for shown in frames]
    if frame is None:
        return first_unknown((*roles, *trace.frames))
    unread = first_unknown(roles[:number])
    if unread is not None:
        return unread
    original = _original(scene, frame)
    instead = f", which replaces {original}" if original is not None else ""
    if frame.role == "retired":
        where = f"in {frame.symbol}" if number == 0 else f"in what {frame.symbol} called"
        what = f"It crashed {where}, code of {frame.patch}, a patch that is applied no more."
    elif number == 0:
        what = f"It crashed at {frame.symbol}, in the replacement of {frame.patch}{instead}."
    else:
        what = (
            f"It crashed at {frames[0].symbol}, called by the replacement of {frame.patch} at"
            f" {frame.symbol}{instead}."
        )
    return Verdict(
        blame="involved",
        id=CRASH_IN_REPLACEMENT.id,
        what=("The code of a live patch is involved in this crash.", what),
        proof=tuple(f"#{n} {shown.pc} {_symbol(shown)}" for n, shown in enumerate(frames))[
            : number + 3
        ],
        why="The call arrived: no contradiction of a site, stub or ops led there.",
        now=CRASH_IN_REPLACEMENT.action,
    )


def of_the_crash(trace: TaskTrace) -> tuple[Frame, ...]:
    """Return the frames below the kernel's own handling of the crash, as far as they are known."""
    frames = known(trace.frames)
    starts = [number for number, frame in enumerate(frames) if frame.interrupted and number]
    return frames[starts[0] :] if starts else frames


def _symbol(frame: Frame) -> str:
    return "in no symbol" if frame.symbol is None else str(frame.symbol)


def _original(scene: CrashScene, frame: Frame) -> str | None:
    """Return the function that a frame's replacement stands for; None if no patch has it."""
    if not isinstance(frame.symbol, str) or not isinstance(frame.patch, str):
        return "a function that is unknown"
    name = frame.symbol.partition("+")[0]
    patches = livepatches(scene.view)
    unread: list[object] = [*patches]
    for patch in known(patches):
        unread += patch.objects
        for obj in known(patch.objects):
            unread += obj.functions
            for function in known(obj.functions):
                if patch.name == frame.patch and _replaced_by(function) == name:
                    suffix = "" if obj.name == "vmlinux" else f" [{obj.name}]"
                    return f"{function.old_name}{suffix}"
    return None if first_unknown(unread) is None else "a function that is unknown"


def _replaced_by(function: PatchedFunction) -> str:
    symbol = function.new_symbol if isinstance(function.new_symbol, str) else ""
    return symbol.partition(" ")[0].partition("+")[0]
