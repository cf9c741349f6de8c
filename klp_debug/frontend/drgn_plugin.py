# SPDX-License-Identifier: GPL-2.0-or-later
"""
The plugin that drgn loads, by the entry point ``drgn.plugins``.

It gives drgn's prompts the command ``klp``, and drgn the memory of ppc64le kernels that it cannot
read by itself.
"""

import logging
import sys

import drgn

from klp_debug.frontend.drgn_version import drgn_too_old

_COMPLAINT = drgn_too_old()

if _COMPLAINT is None:
    # An older drgn may have no commands at all.
    from klp_debug.frontend.drgn_command import register

    register()


def drgn_prog_set(prog: drgn.Program) -> None:
    """Add what drgn lacks to a program that has just got its target: drgn's hook."""
    platform = prog.platform
    if platform is None or platform.arch != drgn.Architecture.PPC64:
        return
    if _COMPLAINT is not None:
        _say(_COMPLAINT)
        return
    # Only here: other programs need none of it.
    from klp_debug.boundary import one_sentence
    from klp_debug.errors import TargetError
    from klp_debug.targets.kernel_memory import complete_memory

    try:
        with one_sentence("what drgn lacks cannot be added"):
            complete_memory(prog, _say)
    except TargetError as error:
        _say(str(error))


def _say(sentence: str) -> None:
    """Tell the user, unless ``drgn --quiet`` asked for silence."""
    if logging.getLogger("drgn").isEnabledFor(logging.WARNING):
        print(f"klp-debug: {sentence}", file=sys.stderr)
