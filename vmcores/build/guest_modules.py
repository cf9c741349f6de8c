# SPDX-License-Identifier: GPL-2.0-or-later
"""
Builds the lab's own modules against a kernel of the cache.

Those of sources/modules/ are part of every image; those of sources/live/ are for guests that a
test boots, and reach them by their share, so that a change of one retakes no capture.
"""

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from vmcores.build import klp_convert
from vmcores.build.kernel_build import BuiltKernel
from vmcores.host.cache import entry, file_digests, key_of
from vmcores.host.stage import run_stage

SOURCES = Path(__file__).parents[1] / "sources" / "modules"
LIVE_SOURCES = Path(__file__).parents[1] / "sources" / "live"
SAVED_SOURCES = Path(__file__).parents[1] / "sources" / "saved"
COMMAND = ("-j{jobs}", "M={work}", "modules")
_SENSE = "scsi_set_sense_information"
CONVERTED = {
    "reloc_patch": ("_klp_scsi_common_d", "scsi_common", _SENSE),
    "late_patch": ("_klp_scsi_common_t", "scsi_common", _SENSE),
}
"""Module -> section, object and symbol whose relocations livepatch is to apply."""


def build_modules(kernel: BuiltKernel) -> Path:
    """
    Return the folder of all .ko files for KERNEL, the in-tree ones among them.

    Raises StepFailedError.
    """
    key = key_of(kernel.key, file_digests(SOURCES, Path(klp_convert.__file__)), COMMAND)

    def make(folder: Path) -> None:
        for module in kernel.modules.glob("*.ko"):
            shutil.copy2(module, folder)
        if kernel.recipe.guest_modules:
            _compile(kernel, f"modules for {kernel.recipe.name}", folder, SOURCES)
            for name, relocations in CONVERTED.items():
                if (folder / f"{name}.ko").exists():  # not of every kernel
                    klp_convert.klp_convert(folder / f"{name}.ko", *relocations)

    return entry("modules", kernel.recipe.name, key, make)


def build_live_modules(kernel: BuiltKernel) -> Path:
    """Return the folder of the .ko files of sources/live/ for KERNEL. Raises StepFailedError."""
    header = SOURCES / "patch_module.h"
    key = key_of(kernel.key, file_digests(LIVE_SOURCES, header), COMMAND)

    def make(folder: Path) -> None:
        title = f"live modules for {kernel.recipe.name}"
        _compile(kernel, title, folder, LIVE_SOURCES, header)

    return entry("live_modules", kernel.recipe.name, key, make)


def build_saved_modules(kernel: BuiltKernel) -> Path:
    """Return the folder of the .ko files of sources/saved/ for KERNEL. Raises StepFailedError."""
    key = key_of(kernel.key, file_digests(SAVED_SOURCES), COMMAND)

    def make(folder: Path) -> None:
        _compile(kernel, f"modules of saved guests for {kernel.recipe.name}", folder, SAVED_SOURCES)

    return entry("saved_modules", kernel.recipe.name, key, make)


def _compile(kernel: BuiltKernel, title: str, folder: Path, sources: Path, *more: Path) -> None:
    """Put what SOURCES make, with MORE files beside them, into FOLDER."""
    work = folder / "work"
    shutil.copytree(sources, work)
    for path in more:
        shutil.copy2(path, work)
    names = {"work": work, "jobs": len(os.sched_getaffinity(0))}
    argv = kernel.make(*(word.format(**names) for word in COMMAND))
    run_stage(title, argv, 5)
    for module in work.glob("*.ko"):
        module.rename(folder / module.name)
    shutil.rmtree(work)


def module_sources(commands: Iterable[str]) -> dict[str, object]:
    """
    Return the digests of what the modules are built from that COMMANDS name.

    What a module is built from is the files whose name begins with its own, every header, and the
    lines of the Kbuild file that name it.
    """
    kbuild = (SOURCES / "Kbuild").read_text().splitlines()
    built = [words.group(1) for line in kbuild if (words := re.match(r"obj-m \+= (\w+)\.o$", line))]
    named = set(re.findall(r"\w+", " ".join(commands))) & set(built)
    files = [
        path
        for path in SOURCES.iterdir()
        if path.suffix == ".h" or any(path.stem.startswith(name) for name in named)
    ]
    if named & CONVERTED.keys():
        files.append(Path(klp_convert.__file__))
    lines = [line for line in kbuild if any(re.search(rf"\b{name}", line) for name in named)]
    return {"files": file_digests(*files), "lines": lines}
