# SPDX-License-Identifier: GPL-2.0-or-later
"""More about patches: their modules, callbacks, when they were enabled, and shadow variables."""

import re
from collections.abc import Iterator
from typing import get_args

from drgn import Object
from drgn.helpers.linux.module import module_taints
from drgn.helpers.linux.panic import tainted

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch import for_each_klp_object, klp_patch_name
from klp_debug.kernel.shadow_variables import for_each_klp_shadow, klp_shadow_room
from klp_debug.kernel.walk import c_string
from klp_debug.result.address import Address
from klp_debug.result.patch_details import (
    Callback,
    LongList,
    ObjectDetails,
    PatchDetails,
    ShadowVariable,
)
from klp_debug.result.unknown import Unknown

_CALLBACKS: tuple[Callback, ...] = get_args(Callback)


def long_list(view: KernelView) -> LongList:
    """
    Return more about the patches of ``klp_patches``, in stacking order.

    >>> [(patch.name, patch.taints) for patch in known(long_list(view).patches)]
    [('leaf_patch', 'OK')]

    What cannot be read is ``Unknown``, and a problem of the view.
    """
    attempt = view.problems.attempt
    shadows = view.problems.walk("klp_shadow_hash", for_each_klp_shadow(view.prog))
    taint = attempt("tainted_mask", tainted, view.prog)
    return LongList(
        taint=taint if isinstance(taint, Unknown) else taint.replace(" ", ""),
        patches=tuple(
            patch
            if isinstance(patch, Unknown)
            else attempt(f"klp_patch {patch.value_():#x}", _patch, view, patch)
            for patch in view.klp_patches.listed
        ),
        shadow_variables=tuple(
            shadow
            if isinstance(shadow, Unknown)
            else ShadowVariable(
                id=Address(shadow.id),
                object=Address(shadow.obj),
                data=Address(shadow.data),
                room=attempt(f"slab of shadow variable {shadow.id:#x}", klp_shadow_room, shadow),
            )
            for shadow in shadows.listed
        ),
    )


def _patch(view: KernelView, patch: Object) -> PatchDetails:
    name = klp_patch_name(patch)
    module = patch.mod.read_()
    attempt = view.problems.attempt
    return PatchDetails(
        name=name,
        version=attempt(f"version of {name}", _text, module, "version"),
        srcversion=attempt(f"srcversion of {name}", _text, module, "srcversion"),
        taints=attempt(f"taints of {name}", module_taints, module),
        enabled_at=_last(view, rf"livepatch: enabling patch '{re.escape(name)}'"),
        objects=tuple(
            obj
            if isinstance(obj, Unknown)
            else attempt(f"klp_object {obj.value_():#x} of {name}", _object, view, name, obj)
            for obj in view.problems.walk(
                f"objects of klp_patch {name}", for_each_klp_object(patch)
            ).listed
        ),
    )


def _text(module: Object, member: str) -> str | None:
    pointer = module.member_(member)
    return c_string(pointer) if pointer else None


def _object(view: KernelView, patch: str, obj: Object) -> ObjectDetails:
    name = c_string(obj.name) if obj.name else "vmlinux"
    line = rf"livepatch: applying patch '{re.escape(patch)}' to loading module '{re.escape(name)}'"
    return ObjectDetails(
        name=name,
        callbacks=tuple(_callbacks(obj)),
        applied_at=_last(view, line) if obj.name else None,
    )


def _callbacks(obj: Object) -> Iterator[Callback]:
    try:
        callbacks = obj.callbacks  # since 4.15
    except AttributeError:
        return
    for name in _CALLBACKS:
        if callbacks.member_(name):
            yield name


def _last(view: KernelView, line: str) -> float | Unknown | None:
    """Return when the log last has a line; None if it has it not."""
    times = [record.seconds for record in view.log.items if re.fullmatch(line, record.text)]
    # Of a log that is not whole, what is missing may be newer.
    if view.log.missing is not None:
        return view.log.missing
    return times[-1] if times else None
