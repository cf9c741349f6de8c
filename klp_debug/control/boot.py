# SPDX-License-Identifier: GPL-2.0-or-later
"""The identity of a booted kernel, by which its journal is found."""

import hashlib
import json

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.errors import TargetError
from klp_debug.kernel.boot import boot_facts

_DIGITS = 16


def boot_identity(view: KernelView) -> str:
    """
    Return 16 hexadecimal digits that tell this boot of this kernel from every other.

    :raises WalkError, drgn.FaultError: if what tells it cannot be read
    :raises TargetError: if the kernel has nothing that tells it
    """
    facts = boot_facts(view.prog)
    if len(facts) < 3:
        raise TargetError("nothing in this kernel tells one boot of it from another")
    text = json.dumps([view.target.build_id, facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
