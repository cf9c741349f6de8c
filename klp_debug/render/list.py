# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``list`` as text."""

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.list import Patch, PatchedFunction, PatchedObject, PatchList
from klp_debug.result.text import plural

FUNCTION_HEADINGS = ("FUNCTION", "ORIGINAL", "REPLACEMENT", "STACK", "RUNS")
"""Of what :func:`function_cells` returns."""


def patch_list_lines(answer: PatchList) -> list[str]:
    """Return a table of the patches, a line for each function."""
    head = kernel_lines(answer.kernel)
    problems = problem_lines(answer.problems)
    if not answer.patches:
        none = "no live patch is loaded" if not answer.problems else "no live patch could be read"
        return [*head, "", none, *problems]
    return [*head, "", *patch_table_lines(answer.patches), "", _summary(answer), *problems]


def patch_table_lines(patches: tuple[Patch, ...]) -> list[str]:
    """Return a table of patches, a line for each function; nothing if there is none."""
    grid = table("PATCH", "STATE", "OBJECT", *FUNCTION_HEADINGS)
    for patch in patches:
        for row in _patch_rows(patch):
            add_row(grid, *row)
    return lines(grid)


def _patch_rows(patch: Patch) -> list[tuple[str, ...]]:
    """Return a patch's rows; what repeats is left empty, so that the eye finds what is new."""
    rows: list[tuple[str, ...]] = []
    name, state = patch.name, patch_state(patch)
    for obj in patch.objects:
        where = object_name(obj)
        for function in obj.functions:
            rows.append((name, state, where, *function_cells(function)))
            name = state = where = ""
        if where:
            rows.append((name, state, where, "(no functions)"))
            name = state = ""
    return rows or [(name, state, "(no objects)")]


def patch_state(patch: Patch) -> str:
    """Return what a patch is doing, and how it was loaded."""
    words: list[str] = [patch.transition or ("enabled" if patch.enabled else "disabled")]
    if patch.replace:
        words.append("replace")
    if patch.forced:
        words.append("forced")
    if patch.disarmed:
        words.append("disarmed-by-debugger")
    return ", ".join(words)


def object_name(obj: PatchedObject) -> str:
    """Return an object's name, and whether it is there."""
    return obj.name if obj.loaded else f"{obj.name} (not loaded)"


def function_cells(function: PatchedFunction) -> tuple[str, ...]:
    """Return what is told of a patched function, as :data:`FUNCTION_HEADINGS` says."""
    name = function.old_name + (f",{function.sympos}" if function.sympos > 1 else "")
    return (
        name,
        function.old_func.bare if function.old_func is not None else "-",
        function.new_func.bare if not function.nop else "(nop)",
        _stack(function.stack_position),
        _runs(function) + (f"; disarmed ({function.disarmed})" if function.disarmed else ""),
    )


def _stack(position: int | None) -> str:
    if position is None:
        return "-"
    return "top" if position == 0 else f"{position} below top"


def _runs(function: PatchedFunction) -> str:
    if function.runs == "overridden":
        return f"overridden by {function.overridden_by or 'another patch'}"
    if function.runs == "in transition":
        if function.stack_position == 0:
            version = "original" if function.nop else "replacement"
            return f"{version} in tasks already switched"
        return f"tasks not yet switched to {function.overridden_by or 'the patch above'}"
    return function.runs


def _summary(answer: PatchList) -> str:
    functions = sum(len(obj.functions) for patch in answer.patches for obj in patch.objects)
    moving = [patch for patch in answer.patches if patch.transition]
    transition = (
        f"{escape(moving[0].name)} is {moving[0].transition}"
        if moving
        else "no transition in progress"
    )
    patches = plural(len(answer.patches), "patch", "patches")
    return f"{patches}, {plural(functions, 'function')}; {transition}"
