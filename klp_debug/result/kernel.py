# SPDX-License-Identifier: GPL-2.0-or-later
"""Which kernel an answer is about."""

from dataclasses import dataclass
from typing import Literal

Mmu = Literal["radix", "hash"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """The kernel that was opened."""

    release: str
    """``uname -r``."""
    build_id: str | None
    """The GNU build id in hexadecimal, if the kernel's vmcoreinfo or its vmlinux has one."""
    mmu: Mmu
    page_size: int
    """In bytes."""
    dialect: str
    """
    The shape of its call sites, as :class:`klp_debug.ppc64le.site.Dialect` names it; ``none`` in a
    kernel without ftrace.
    """
    pcrel: bool
    """Whether it addresses data and calls relative to the PC and has no TOC (POWER10)."""
    source: str
    """Where the bytes come from: ``kdump vmcore``, ``QEMU guest``, ..."""
    livepatch: bool
    """Whether the kernel was built with ``CONFIG_LIVEPATCH``."""
