# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose ftrace_ops want a site, in a sentence."""

from collections.abc import Iterable

from klp_debug.result.site import SiteOps
from klp_debug.result.unknown import Unknown


def hooked_by(ops: Iterable[SiteOps | Unknown]) -> str:
    """Return who hooks a site: patches by name, others by what they are; empty if nobody does."""
    return ", ".join(sorted({_user(one) for one in ops}))


def _user(ops: SiteOps | Unknown) -> str:
    if isinstance(ops, Unknown):
        return "ops that are unknown"
    if isinstance(ops.patch, Unknown):
        return "a patch that is unknown"
    for name in (ops.patch, ops.user):
        if isinstance(name, str):
            return name
    return "an unknown ops"
