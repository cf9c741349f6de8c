# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash inside a replacement, or in what a replacement called."""

from klp_debug.analysis.catalogue import CRASH_IN_REPLACEMENT
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.patches.list import livepatches
from klp_debug.result.bt import Frame
from klp_debug.result.list import PatchedFunction
from klp_debug.result.report import Verdict


def judge(scene: CrashScene) -> Verdict | None:
    """Return the verdict if a replacement is on the stack of the crash; None if there is none."""
    if scene.trace is None:
        return None
    frames = [frame for frame in _of_the_crash(scene) if not frame.inlined]
    number, frame = next(
        ((n, f) for n, f in enumerate(frames) if f.role == "replacement"), (0, None)
    )
    if frame is None:
        return None
    original = _original(scene, frame)
    instead = f", which replaces {original}" if original is not None else ""
    if number == 0:
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
        proof=tuple(
            f"#{n} {shown.pc} {shown.symbol or 'in no symbol'}" for n, shown in enumerate(frames)
        )[: number + 3],
        why="The call arrived: no contradiction of a site, stub or ops led there.",
        now=CRASH_IN_REPLACEMENT.action,
    )


def _of_the_crash(scene: CrashScene) -> tuple[Frame, ...]:
    """Return the frames below the kernel's own handling of the crash."""
    assert scene.trace is not None
    frames = scene.trace.frames
    starts = [number for number, frame in enumerate(frames) if frame.interrupted and number]
    return frames[starts[0] :] if starts else frames


def _original(scene: CrashScene, frame: Frame) -> str | None:
    name = (frame.symbol or "").partition("+")[0]
    for patch in livepatches(scene.view):
        for obj in patch.objects:
            for function in obj.functions:
                if patch.name == frame.patch and _replaced_by(function) == name:
                    suffix = "" if obj.name == "vmlinux" else f" [{obj.name}]"
                    return f"{function.old_name}{suffix}"
    return None


def _replaced_by(function: PatchedFunction) -> str:
    return (function.new_symbol or "").partition(" ")[0].partition("+")[0]
