# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the kernel crashed."""

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.panic import Crash, crash
from klp_debug.result.unknown import Unknown


def crashed(view: KernelView) -> Crash | Unknown | None:
    """Return where the kernel crashed; None if it did not."""
    return view.problems.attempt("which CPU crashed", crash, view.prog)
