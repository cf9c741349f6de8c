# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the lab's own modules (modules/) against a kernel of the cache."""

import os
import shutil
from pathlib import Path

from vmcores.cache import entry, file_digests, key_of
from vmcores.kernel_build import BuiltKernel
from vmcores.stage import run_stage

SOURCES = Path(__file__).with_name("modules")
COMMAND = ("-j{jobs}", "M={work}", "modules")


def build_modules(kernel: BuiltKernel) -> tuple[str, Path]:
    """
    Return the key and the folder of all .ko files for KERNEL, the in-tree ones among them.

    Raises StepFailedError.
    """
    key = key_of(kernel.key, file_digests(SOURCES), COMMAND)

    def make(folder: Path) -> None:
        for module in kernel.modules.glob("*.ko"):
            shutil.copy2(module, folder)
        if not kernel.recipe.guest_modules:
            return
        work = folder / "work"
        shutil.copytree(SOURCES, work)
        names = {"work": work, "jobs": len(os.sched_getaffinity(0))}
        argv = kernel.make(*(word.format(**names) for word in COMMAND))
        run_stage(f"modules for {kernel.recipe.name}", argv, 5)
        for module in work.glob("*.ko"):
            module.rename(folder / module.name)
        shutil.rmtree(work)

    return key, entry("modules", kernel.recipe.name, key, make)
