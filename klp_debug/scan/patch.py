# SPDX-License-Identifier: GPL-2.0-or-later
"""A livepatch module: what it will replace, and what speaks against that."""

from collections.abc import Mapping

from klp_debug.elf.struct_layout import StructLayout, struct_layouts
from klp_debug.ppc64le.trampoline import restores_r15_for_livepatch
from klp_debug.result.scan import PredictedFunction
from klp_debug.result.text import plural
from klp_debug.scan import hazards
from klp_debug.scan.against import Against
from klp_debug.scan.census import Census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.klp_build import klp_build_objects
from klp_debug.scan.modinfo import ModInfo, modinfo_of
from klp_debug.scan.module_calls import OuterCalls, check_calls
from klp_debug.scan.module_data import LIKELY_LAYOUTS, STRUCTS, KlpObject, PatchData, kpatch_objects
from klp_debug.scan.originals import check_original
from klp_debug.scan.patch_marks import is_live_patch, is_module, klp_build_section
from klp_debug.scan.relocations import (
    LateRelocations,
    check_livepatch_relocations,
    check_reloads,
    is_numbered,
    looked_up,
)
from klp_debug.scan.replacements import check_replacement

_TRAMPOLINE_WORDS = 512
_MOST_NAMED = 16


def check_patch(
    census: Census, info: ModInfo, against: Against, log: HazardLog
) -> tuple[PredictedFunction, ...] | None:
    """
    Return what a module replaces, and note its hazards.

    :return: None if it is no live patch
    """
    if not is_live_patch(census.obj, info):
        return None
    objects = PatchData(census.obj, _layouts(census, against)).objects()
    objects += kpatch_objects(census.obj) + klp_build_objects(census.obj)
    if not info.livepatch and is_module(census.obj):
        names = ", ".join(func.old_name for obj in objects for func in obj.funcs)
        log.add(hazards.NOT_MARKED, ".modinfo", f"it would replace {names}")
    if not objects and (info.livepatch or is_module(census.obj)):
        log.add(hazards.NO_KLP_PATCH, "klp_patch", _kind_of_module(census))
    calls = OuterCalls(census.obj)
    check_calls(census, calls, info, log)
    check_livepatch_relocations(census.obj, against.get, log)
    check_reloads(census.obj, info.release, log)
    _note_not_given(census, objects, against, log)
    late = LateRelocations(census)
    predicted: list[PredictedFunction] = []
    for obj in objects:
        predicted.extend(_check_object(census, calls, late, info, obj, against, log))
    return tuple(predicted)


def _layouts(census: Census, against: Against) -> Mapping[str, StructLayout]:
    """Return the structures as the patch was compiled with; else as its kernel was; else likely."""
    layouts = struct_layouts(census.obj.with_debug_info.path, STRUCTS)
    if layouts is None and (vmlinux := against.get("vmlinux")) is not None:
        layouts = struct_layouts(vmlinux.obj.with_debug_info.path, STRUCTS)
    if layouts is None or not _has_all_members(layouts):
        return LIKELY_LAYOUTS
    return layouts


def _has_all_members(layouts: Mapping[str, StructLayout]) -> bool:
    return all(
        layouts[name].offsets.keys() >= likely.offsets.keys()
        and (layouts[name].size or 0) > max(likely.offsets.values())
        for name, likely in LIKELY_LAYOUTS.items()
    )


def _kind_of_module(census: Census) -> str:
    section = klp_build_section(census.obj)
    if section is not None:
        return f"klp-build made it, and its {section.name} has no object"
    return "nothing in its data leads to the name of a function and its replacement"


def _is_never_patched(obj: KlpObject) -> bool:
    """Return whether an object has a name that no module can have."""
    return obj.named and (obj.name == "vmlinux" or "-" in obj.name)


def _note_not_given(
    census: Census, objects: tuple[KlpObject, ...], against: Against, log: HazardLog
) -> None:
    """Note once what cannot be checked, as its object was not given."""
    functions: dict[str, int] = {}
    for obj in objects:
        if not _is_never_patched(obj):
            functions[obj.name] = functions.get(obj.name, 0) + len(obj.funcs)
    symbols = looked_up(census.obj)
    missing = [name for name in {**functions, **symbols} if against.get(name) is None]
    if not missing:
        return
    unchecked = [
        (name, _unchecked(functions.get(name, 0), symbols.get(name, set())))
        for name in missing[:_MOST_NAMED]
    ]
    of_each = len(missing) > 1
    more = f"; {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    log.add(
        hazards.OBJECT_NOT_GIVEN,
        ", ".join(name for name, _ in unchecked),
        "; ".join(f"{name}: {says}" if of_each else says for name, says in unchecked) + more,
    )


def _unchecked(functions: int, symbols: set[str]) -> str:
    says = []
    if functions or not symbols:
        verb = "is" if functions == 1 else "are"
        says.append(f"{functions} of its functions {verb} to be replaced")
    if symbols:
        says.append(f"{len(symbols)} of its symbols {'is' if len(symbols) == 1 else 'are'} used")
    numbered = sum(map(is_numbered, symbols))
    if numbered:
        says.append(f"{plural(numbered, 'static local variable')} among them")
    return ", ".join(says)


def _check_object(
    census: Census,
    calls: OuterCalls,
    late: LateRelocations,
    info: ModInfo,
    obj: KlpObject,
    against: Against,
    log: HazardLog,
) -> list[PredictedFunction]:
    known = None
    if _is_never_patched(obj):
        log.add(hazards.OBJECT_NEVER_PATCHED, obj.name, f'the klp_object is named "{obj.name}"')
    else:
        known = against.get(obj.name)
        if known is not None:
            _check_kernel(known, info, obj.name, log)
    predicted = []
    for func in obj.funcs:
        position = f",{func.sympos}" if func.sympos else ""
        subject = f"{func.old_name}{position} [{obj.name}]"
        original = None
        if known is not None:
            original = check_original(known, subject, func, info.release, log)
        replacement = check_replacement(census, calls, late, subject, obj.name, func, log)
        predicted.append(
            PredictedFunction(
                object=obj.name,
                old_name=func.old_name,
                sympos=func.sympos,
                original=original,
                replacement=replacement,
            )
        )
    return predicted


def _check_kernel(known: Census, info: ModInfo, name: str, log: HazardLog) -> None:
    theirs, ours = (
        vermagic and vermagic.strip()
        for vermagic in (modinfo_of(known.obj).vermagic, info.vermagic)
    )
    if theirs and ours and theirs != ours:
        log.add(hazards.OTHER_KERNEL, name, f'it has "{theirs}", the patch "{ours}"')
    if known.obj.kind != "executable":
        return
    for symbol in known.obj.named_symbols("ftrace_caller")[:1]:
        section = int(known.obj.symbol_sections[symbol])
        if not 0 < section < len(known.obj.sections):
            continue
        address = int(known.obj.symbols["value"][symbol])
        start = (address - known.obj.sections[section].address) // 4
        words = known.obj.words(section)[max(start, 0) : max(start, 0) + _TRAMPOLINE_WORDS]
        if restores_r15_for_livepatch([int(word) for word in words]) is False:
            log.add(hazards.KERNEL_CLOBBERS_R15, name, f"ftrace_caller at {address:#x}")
