# SPDX-License-Identifier: GPL-2.0-or-later
"""What the answers built by hand in these tests have in common."""

from klp_debug.result.kernel import Kernel

KERNEL = Kernel(
    release="6.1.176",
    build_id="a5" * 20,
    mmu="radix",
    page_size=65536,
    dialect="mprofile-kernel (2 instructions)",
    pcrel=False,
    source="kdump vmcore",
    livepatch=True,
)
HEAD = """\
Linux 6.1.176 ppc64le, radix MMU, 64K pages, call sites: mprofile-kernel (2 instructions)
kdump vmcore
"""
"""What every answer about :data:`KERNEL` begins with."""
