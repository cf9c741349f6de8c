# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``list`` as text."""

from collections.abc import Iterator

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.patch_details import long_lines
from klp_debug.render.refusal import refusal_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.render.unknown import UNKNOWN, cell, counted, unknown_line
from klp_debug.result.list import (
    Mechanism,
    Patch,
    PatchedFunction,
    PatchedObject,
    PatchList,
    TaskInside,
    Tasks,
)
from klp_debug.result.unknown import Number, Unknown, add, first_unknown, known, number_of
from klp_debug.result.unknown import counted as counted_of

FUNCTION_HEADINGS = ("FUNCTION", "ORIGINAL", "REPLACEMENT", "STACK", "RUNS")
"""Of what :func:`function_cells` returns."""


def patch_list_lines(answer: PatchList) -> list[str]:
    """Return a table of the patches, a line for each function."""
    head = kernel_lines(answer.kernel, answer.transition)
    problems = problem_lines(answer.problems)
    if not answer.patches:
        none = f"no live patch is loaded{_moving_without_name(answer)}"
        if not answer.kernel.livepatch:
            none = "no live patch: the kernel was built without CONFIG_LIVEPATCH"
        more = [*_retired(answer), *long_lines(answer.long), *refusal_lines(answer.refusals)]
        return [*head, "", none, *more, *problems]
    return [
        *head,
        "",
        *patch_table_lines(answer.patches),
        "",
        _summary(answer),
        *_retired(answer),
        *long_lines(answer.long),
        *refusal_lines(answer.refusals),
        *problems,
    ]


def _moving_without_name(answer: PatchList) -> str:
    if isinstance(answer.transition, Unknown):
        return "; whether a transition is in progress is unknown"
    return ""


def _retired(answer: PatchList) -> list[str]:
    """Return lines about patches that are applied no more; none if there is none."""
    if not answer.retired:
        return []
    missing = [
        unknown_line("a patch that is applied no more", patch)
        for patch in answer.retired
        if isinstance(patch, Unknown)
    ]
    retired = known(answer.retired)
    if any(patch.inside is None for patch in retired):
        names = ", ".join(escape(patch.name) for patch in retired)
        return [f"loaded, but applied no more: {names} (`list --all` tells more)", *missing]
    grid = table("APPLIED NO MORE", "REFERENCES", "TASKS INSIDE")
    for patch in retired:
        inside = [_inside(task) for task in patch.inside or ()] or ["none"]
        add_row(grid, patch.name, _held_by(patch.references), inside[0])
        for line in inside[1:]:
            add_row(grid, "", "", line)
    return ["", *(lines(grid) if retired else []), *missing]


def _held_by(references: int | Unknown | None) -> str:
    return "cannot be removed" if references is None else cell(references)


def _inside(task: TaskInside | Unknown) -> str:
    if isinstance(task, Unknown):
        return f"unknown: {task.reason}"
    return f"{cell(task.comm)} ({task.pid}) in {task.frame}"


def patch_table_lines(patches: tuple[Patch | Unknown, ...]) -> list[str]:
    """Return a table of patches, a line for each function; nothing if there is none."""
    grid = table("PATCH", "STATE", "OBJECT", *FUNCTION_HEADINGS)
    for patch in known(patches):
        for row in _patch_rows(patch):
            add_row(grid, *row)
    return [*lines(grid), *_unread(patches)]


def _unread(patches: tuple[Patch | Unknown, ...]) -> Iterator[str]:
    """Iterate over lines about what could not be read: in a table a reason would be too wide."""
    for patch in patches:
        if isinstance(patch, Unknown):
            yield unknown_line("a patch", patch)
            continue
        name = escape(patch.name)
        for obj in patch.objects:
            if isinstance(obj, Unknown):
                yield unknown_line(f"an object of {name}", obj)
                continue
            for function in obj.functions:
                if isinstance(function, Unknown):
                    yield unknown_line(f"a function of {name} in {escape(obj.name)}", function)


def _patch_rows(patch: Patch) -> list[tuple[str, ...]]:
    """Return a patch's rows; what repeats is left empty, so that the eye finds what is new."""
    rows: list[tuple[str, ...]] = []
    name, state = patch.name, patch_state(patch)
    for obj in patch.objects:
        if isinstance(obj, Unknown):
            rows.append((name, state, UNKNOWN))
            name = state = ""
            continue
        where = object_name(obj)
        for function in obj.functions:
            rows.append((name, state, where, *_function_row(function)))
            name = state = where = ""
        if where:
            rows.append((name, state, where, "(no functions)"))
            name = state = ""
    return rows or [(name, state, "(no objects)")]


def _function_row(function: PatchedFunction | Unknown) -> tuple[str, ...]:
    if isinstance(function, Unknown):
        return (UNKNOWN,)
    return function_cells(function)


def patch_state(patch: Patch) -> str:
    """Return what a patch is doing, and how it was loaded."""
    words: list[str] = ["enabled" if patch.enabled else "disabled"]
    if isinstance(patch.transition, Unknown):
        words.append("transition unknown")
    elif patch.transition is not None:
        words = [patch.transition]
    if patch.replace_set is not None:
        words.append(f"replace set {patch.replace_set}")
    elif patch.replace:
        words.append("replace")
    if patch.forced:
        words.append("forced")
    if isinstance(patch.disarmed, Unknown):
        words.append("whether disarmed is unknown")
    elif patch.disarmed:
        words.append("disarmed-by-debugger")
    return ", ".join(words)


_TO_OR_FROM: dict[Tasks | None, str] = {"not yet switched": "to", "already switched": "from"}


def object_name(obj: PatchedObject) -> str:
    """Return an object's name, and whether it is there."""
    if obj.loaded:
        return obj.name
    if isinstance(obj.barred_at, Unknown):
        return f"{obj.name} (not loaded; whether it can be again is unknown)"
    again = "" if obj.barred_at is None else "; cannot be again: see `audit`"
    return f"{obj.name} (not loaded{again})"


def function_cells(function: PatchedFunction) -> tuple[str, ...]:
    """Return what is told of a patched function, as :data:`FUNCTION_HEADINGS` says."""
    name = function.old_name + (f",{function.sympos}" if function.sympos > 1 else "")
    return (
        name,
        function.old_func.bare if function.old_func is not None else "-",
        function.new_func.bare if not function.nop else "(nop)",
        _stack(function.stack_position),
        _runs(function) + _disarmed(function.disarmed),
    )


def _disarmed(disarmed: Mechanism | Unknown | None) -> str:
    if isinstance(disarmed, Unknown):
        return "; whether disarmed is unknown"
    return f"; disarmed ({disarmed})" if disarmed else ""


def _stack(position: int | Unknown | None) -> str:
    if position is None or isinstance(position, Unknown):
        return cell(position)
    return "top" if position == 0 else f"{position} below top"


def _runs(function: PatchedFunction) -> str:
    above = cell(function.overridden_by, "")
    if function.runs == "overridden":
        return f"overridden by {above or 'another patch'}"
    if function.runs == "in transition":
        return _in_transition(function, above or "the patch above")
    return cell(function.runs)


def _in_transition(function: PatchedFunction, above: str) -> str:
    version = "original" if function.nop else "replacement"
    if isinstance(function.tasks, Unknown):
        return f"{version} in some tasks: which is unknown"
    if function.stack_position == 0:
        return f"{version} in tasks {function.tasks}"
    return f"tasks {function.tasks} {_TO_OR_FROM[function.tasks]} {above}"


def _summary(answer: PatchList) -> str:
    functions: Number = 0
    for patch in known(answer.patches):
        for obj in known(patch.objects):
            functions = add(functions, number_of(obj.functions))
        functions = add(functions, counted_of(0, first_unknown(patch.objects)))
    functions = add(functions, counted_of(0, first_unknown(answer.patches)))
    patches = counted(number_of(answer.patches), "patch", "patches")
    return f"{patches}, {counted(functions, 'function')}; {_transition(answer)}"


def _transition(answer: PatchList) -> str:
    if isinstance(answer.transition, Unknown):
        return "whether a transition is in progress is unknown"
    if answer.transition is None:
        return "no transition in progress"
    moving = [patch for patch in known(answer.patches) if isinstance(patch.transition, str)]
    name = escape(moving[0].name) if moving else "a patch that is unknown"
    return f"{name} is {answer.transition}"
