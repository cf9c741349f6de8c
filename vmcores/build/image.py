# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything a guest boots from: kernel, modules, initramfs."""

import functools
from dataclasses import dataclass
from pathlib import Path

from vmcores.build.guest_modules import build_modules
from vmcores.build.kernel_build import BuiltKernel, build_kernel
from vmcores.build.recipe import load_recipe
from vmcores.build.userland import build_initramfs
from vmcores.host.cache import key_of


@dataclass(frozen=True)
class Image:
    """A kernel and what goes with it, all of it in the cache."""

    kernel: BuiltKernel
    modules: Path
    """The folder of all .ko files: in-tree ones and the lab's own."""
    initramfs: Path
    key: str
    """Of all but the lab's own modules."""

    @property
    def vmlinux(self) -> Path:
        """The kernel with its debug info."""
        return self.kernel.vmlinux


@functools.cache
def image(recipe: str) -> Image:
    """
    Return the image of the kernel recipe of that name; builds what the cache lacks.

    It is looked up once in a process: asking apt for the version takes a second. Raises LabError.
    """
    kernel = build_kernel(load_recipe(recipe))
    modules = build_modules(kernel)
    suite = kernel.recipe.userland or kernel.recipe.suite
    initramfs_key, initramfs = build_initramfs(suite)
    return Image(kernel, modules, initramfs, key_of(kernel.key, initramfs_key))
