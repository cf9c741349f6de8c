# SPDX-License-Identifier: GPL-2.0-or-later
"""
Builds the patches that are wrong on purpose (bad_patches/) against a kernel of the cache.

They are apart from the lab's own modules: no scenario loads them, and no capture depends on them.
"""

import os
import shutil
from pathlib import Path

from vmcores.build.guest_modules import COMMAND
from vmcores.build.guest_modules import SOURCES as MODULES
from vmcores.build.kernel_build import BuiltKernel
from vmcores.host.cache import entry, file_digests, key_of
from vmcores.host.stage import run_stage

SOURCES = Path(__file__).parents[1] / "sources" / "bad_patches"
HEADER = MODULES / "patch_module.h"


def build_bad_patches(kernel: BuiltKernel) -> Path:
    """
    Return the folder of the .ko files for KERNEL.

    Raises StepFailedError.
    """
    key = key_of(kernel.key, file_digests(SOURCES, HEADER), COMMAND)

    def make(folder: Path) -> None:
        work = folder / "work"
        shutil.copytree(SOURCES, work)
        shutil.copy2(HEADER, work)
        names = {"work": work, "jobs": len(os.sched_getaffinity(0))}
        argv = kernel.make(*(word.format(**names) for word in COMMAND))
        run_stage(f"bad patches for {kernel.recipe.name}", argv, 5)
        for module in work.glob("*.ko"):
            module.rename(folder / module.name)
        shutil.rmtree(work)

    return entry("bad_patches", kernel.recipe.name, key, make)
