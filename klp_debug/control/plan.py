# SPDX-License-Identifier: GPL-2.0-or-later
"""What is to be written, and why, before anything is."""

from collections.abc import Sequence
from dataclasses import dataclass

from klp_debug.analysis.patches.disarmed import redirected_to
from klp_debug.analysis.view.find_function import FunctionName, parse_name
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.mechanisms import (
    NOTES,
    MechanismError,
    default_mechanism,
    disarming_write,
)
from klp_debug.control.patch_function import (
    PatchFunction,
    Version,
    must_be_known,
    patch_functions,
    patch_names,
)
from klp_debug.errors import CommandError
from klp_debug.kernel.livepatch import klp_func_patch, klp_patch_name
from klp_debug.result.control import PlannedWrite
from klp_debug.result.list import Mechanism


@dataclass(frozen=True, slots=True)
class Switch:
    """One function that a plan switches to another version."""

    function: PatchFunction
    leaves: Version
    """The version that runs now, which nobody may be inside of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All writes of one change."""

    writes: tuple[PlannedWrite, ...] = ()
    switches: tuple[Switch, ...] = ()
    skipped: tuple[str, ...] = ()
    """Functions that need no write, with the reason."""
    refusal: str | None = None
    """Why it cannot be done, whatever is forced."""
    nothing_left: bool = False
    """Whether all that it was to take back is gone with what it was written to."""
    undoes: tuple[int, ...] = ()
    """Operations of the journal that it takes back."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What holds while it is in force."""
        used = {write.mechanism for write in self.writes}
        return tuple(note for mechanism, note in NOTES.items() if mechanism in used)


def plan_disarm(
    view: KernelView,
    patch: str,
    function: str | None,
    mechanism: Mechanism | None,
) -> Plan:
    """
    Plan that every function of a patch, or one, behaves as if the patch were not there.

    :param mechanism: how; None for what fits each function
    :raises CommandError: if there is no such patch or function
    :raises WalkError, drgn.FaultError: where the kernel's structures cannot be read
    """
    functions = find_functions(view, patch, function)
    stub = view.target.writable.kind if view.target.writable is not None else None
    writes, switches, skipped = [], [], []
    for each in functions:
        if (holder := _redirected_here(each)) is not None:
            return Plan(refusal=f"{holder} is held disarmed by a redirect to {patch}: arm it first")
        reason = why_not(each)
        if reason is not None:
            skipped.append(f"{each.label}: {reason}")
            continue
        chosen = mechanism or default_mechanism(each)
        try:
            writes.append(disarming_write(each, chosen, stub))
        except MechanismError as error:
            return Plan(refusal=f"{each.label} cannot be disarmed by {chosen}: {error}")
        switches.append(Switch(each, each.running()))
    refusal = None if writes else _nothing(patch, functions, skipped)
    return Plan(
        writes=tuple(writes), switches=tuple(switches), skipped=tuple(skipped), refusal=refusal
    )


def find_functions(view: KernelView, patch: str, function: str | None) -> list[PatchFunction]:
    """
    Return the functions of a patch, or the one of that name.

    :param function: as :func:`~klp_debug.analysis.view.find_function.parse_name` takes it
    :raises CommandError: if there is no such patch or function
    """
    functions = patch_functions(view, patch)
    if functions is None:
        there = ", ".join(patch_names(view)) or "none is loaded"
        raise CommandError(f"no live patch {ascii(patch)[1:-1]}; there are: {there}")
    if function is None:
        return functions
    wanted = parse_name(function)
    found = [each for each in functions if _is(each, wanted)]
    if not found:
        there = ", ".join(each.old_name for each in functions)
        raise CommandError(
            f"{patch} patches no function {ascii(function)[1:-1]}; it patches: {there}"
        )
    if len(found) > 1:
        there = " or ".join(_qualified(each, found) for each in found)
        raise CommandError(f"{patch} patches several {ascii(function)[1:-1]}: say {there}")
    return found


def _is(function: PatchFunction, wanted: FunctionName) -> bool:
    return (
        function.old_name == wanted.name
        and wanted.module in (None, _object(function))
        and wanted.position in (None, function.position_of_name)
    )


def _object(function: PatchFunction) -> str:
    return function.module or "vmlinux"


def _qualified(function: PatchFunction, among: Sequence[PatchFunction]) -> str:
    several = sum(_object(each) == _object(function) for each in among) > 1
    position = f",{function.position_of_name}" if several else ""
    return f"{_object(function)}:{function.old_name}{position}"


def _redirected_here(function: PatchFunction) -> str | None:
    """Return the patch on top that a debugger redirects to this function's version."""
    if function.stack is None or function.position <= 0:
        return None
    target = must_be_known(redirected_to(function.view, function.stack, 0))
    if target is None or target.value_() != function.func.value_():
        return None
    return klp_patch_name(klp_func_patch(function.stack.funcs[0]))


def why_not(function: PatchFunction) -> str | None:
    """Return why a function needs no write to be disarmed; None if it needs one."""
    if function.stack is None:
        return "not patched now: its object is not loaded, or the patch is off"
    if function.disarmed is not None:
        return f"disarmed already, by {function.disarmed}"
    if function.position > 0:
        top = klp_patch_name(klp_func_patch(function.stack.funcs[0]))
        return f"overridden by {top}: does not run"
    return None


def _nothing(patch: str, functions: Sequence[PatchFunction], skipped: Sequence[str]) -> str | None:
    """Say why there is nothing to write; None if all is disarmed already."""
    if functions and all(each.disarmed is not None for each in functions):
        return None
    return f"{patch} has no function that could be disarmed"
