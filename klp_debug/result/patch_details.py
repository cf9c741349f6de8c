# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``list --long`` tells besides: of the patches' modules, callbacks and shadow variables."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.address import Address
from klp_debug.result.unknown import Unknown

Callback = Literal["pre_patch", "post_patch", "pre_unpatch", "post_unpatch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDetails:
    """More about one object of a patch."""

    name: str
    callbacks: tuple[Callback, ...]
    """Those that the patch has for it."""
    applied_at: float | Unknown | None
    """
    Seconds since boot when the patch was last applied to the object as that was loaded.

    By the kernel's log; None if the log does not say so, as where the object was there before.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchDetails:
    """More about one patch."""

    name: str
    version: str | Unknown | None
    """``MODULE_VERSION`` of its module; None if it has none."""
    srcversion: str | Unknown | None
    taints: str | Unknown
    """Letters of what its module taints the kernel with, as /proc/modules shows them."""
    enabled_at: float | Unknown | None
    """Seconds since boot when it was last enabled; None if the kernel's log has lost that."""
    objects: tuple[ObjectDetails | Unknown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowVariable:
    """One ``struct klp_shadow``: data that a patch keeps with an object of the kernel's."""

    id: Address
    object: Address
    data: Address
    room: int | Unknown | None
    """
    Bytes that the data can have at most: those of its slab object.

    The kernel does not keep how many it has. None where it is in no slab.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class LongList:
    """More about all patches."""

    taint: str | Unknown
    """Letters of what taints the kernel, without blanks."""
    patches: tuple[PatchDetails | Unknown, ...]
    shadow_variables: tuple[ShadowVariable | Unknown, ...]
