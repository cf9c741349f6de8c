# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``list --long`` tells besides, as text."""

from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.render.unknown import UNKNOWN, cell, unknown_line
from klp_debug.result.patch_details import LongList, ObjectDetails, PatchDetails
from klp_debug.result.unknown import Unknown, known


def long_lines(answer: LongList | None) -> list[str]:
    """Return what is told of each patch, and the shadow variables; nothing if nobody asked."""
    if answer is None:
        return []
    found: list[str] = []
    for patch in answer.patches:
        found += ["", *_of_patch(patch)]
    return [*found, "", *_shadow(answer), f"kernel taint: {cell(answer.taint) or 'none'}"]


def _of_patch(patch: PatchDetails | Unknown) -> list[str]:
    if isinstance(patch, Unknown):
        return [unknown_line("more about a patch", patch)]
    grid = table()
    add_row(grid, "  version", cell(patch.version, "none"))
    add_row(grid, "  srcversion", cell(patch.srcversion, "none"))
    add_row(grid, "  taint", cell(patch.taints) or "none")
    add_row(grid, "  enabled", _when(patch.enabled_at, "the log has lost when"))
    for obj in known(patch.objects):
        add_row(grid, f"  {obj.name}", "; ".join(_object(obj)))
    unread = [unknown_line("  an object", obj) for obj in patch.objects if isinstance(obj, Unknown)]
    return [escape(patch.name), *lines(grid), *unread]


def _object(obj: ObjectDetails) -> list[str]:
    callbacks = ", ".join(obj.callbacks) or "none"
    told = [f"callbacks: {callbacks}"]
    if obj.applied_at is not None:
        told.append(f"applied when it was loaded, {_when(obj.applied_at, '')}")
    return told


def _when(seconds: float | Unknown | None, lost: str) -> str:
    if isinstance(seconds, Unknown):
        return UNKNOWN
    return lost if seconds is None else f"{seconds:.6f} s after boot"


def _room(room: int | Unknown | None) -> str:
    return f"{room} at most" if isinstance(room, int) else cell(room)


def _shadow(answer: LongList) -> list[str]:
    if not answer.shadow_variables:
        return ["no shadow variable"]
    grid = table("SHADOW VARIABLE", "OBJECT", "DATA", "BYTES")
    for shadow in known(answer.shadow_variables):
        add_row(
            grid, f"{int(shadow.id):#x}", shadow.object.bare, shadow.data.bare, _room(shadow.room)
        )
    unread = [
        unknown_line("a shadow variable", shadow)
        for shadow in answer.shadow_variables
        if isinstance(shadow, Unknown)
    ]
    return [*(lines(grid) if known(answer.shadow_variables) else []), *unread]
