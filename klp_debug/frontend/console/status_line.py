# SPDX-License-Identifier: GPL-2.0-or-later
"""The line below the prompt: which target, whether it runs, and what is held disarmed in it."""

from klp_debug.frontend.completion.target_names import TargetNames
from klp_debug.render.terminal import escape
from klp_debug.targets.target import Target


def status_line(target: Target, names: TargetNames) -> str:
    """Return the line."""
    parts = [f"{target.source}, Linux {target.vmcoreinfo.release}"]
    debugger = target.debugger
    if debugger is not None:
        paused, limit = debugger.paused, debugger.max_pause
        if paused is None:
            parts.append("running")
        elif limit is None:
            parts.append(f"stopped for {paused:.0f} s")
        else:
            parts.append(f"stopped for {paused:.0f} s of {limit:g} s")
    elif target.core is None:
        parts.append("running")
    held = names.held
    parts.append(f"held disarmed: {', '.join(held)}" if held else "nothing held disarmed")
    return escape(" | ".join(parts))
