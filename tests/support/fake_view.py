# SPDX-License-Identifier: GPL-2.0-or-later
"""
A kernel as analyses see it, without a dump.

A test says what the kernel has, alters one thing, and asks::

    kernel = FakeKernel()
    function = kernel.function("vfs_read")
    kernel.patch("read_patch", function)
    function.site_word = NOP
    assert [...] == list(word_findings(kernel.view(), ...))
"""

from klp_debug.analysis.view.kernel_view import KernelView
from tests.support.fake_crash import CrashedKernel


class FakeKernel(CrashedKernel):
    """A kernel that can be looked at."""

    def view(self) -> KernelView:
        """Return what an analysis sees of the kernel as it is now."""
        return KernelView(self.target())
