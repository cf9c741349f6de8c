# SPDX-License-Identifier: GPL-2.0-or-later
"""
Throws away what a built kernel does not need any more.

What stays of the source and build trees is what the build of an external module reads.
"""

import shutil
from pathlib import Path

# Kept of the source tree, with all below.
SOURCE = (
    "Makefile",
    "Kbuild",
    "include",
    "scripts",
    "arch/powerpc/Makefile",
    "arch/powerpc/Kbuild",
    "arch/powerpc/include",
    "arch/powerpc/lib/crtsavres.S",
    "tools/include",
)

# Dropped of the build tree, but for what is below BUILD_KEEP.
BUILD_DROP = ("*.o", "*.a", "*.ko", "*.cmd", "*.mod", "*.mod.c", "*.order", ".tmp_*", "vmlinux*")
BUILD_KEEP = ("scripts", "include", "arch/powerpc/lib/crtsavres.o")


def prune_source(tree: Path) -> None:
    """Leave of the source TREE what SOURCE names."""
    old = tree.rename(tree.with_name(f"{tree.name}.all"))
    for name in SOURCE:
        if (old / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (old / name).rename(tree / name)
    shutil.rmtree(old)


def prune_build(tree: Path) -> None:
    """Drop the objects of the build TREE, and the folders that are empty without them."""
    kept = [tree / name for name in BUILD_KEEP]
    # Deepest first, so that a folder comes after what is in it.
    for path in sorted(tree.rglob("*"), key=lambda p: len(p.parts), reverse=True):
        if any(path == keep or keep in path.parents for keep in kept):
            continue
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif any(path.match(pattern) for pattern in BUILD_DROP) or path.is_symlink():
            path.unlink()
