# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds a kernel from its recipe, out of tree, into the cache."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from vmcores.build import prune
from vmcores.build.recipe import Recipe
from vmcores.build.toolchain import Toolchain, toolchain
from vmcores.errors import LabError
from vmcores.host.archive import source_tarball, source_version
from vmcores.host.cache import entry, key_of
from vmcores.host.stage import run_stage

MAKE = ("make", "-C", "{source}", "O={build}", "ARCH=powerpc", "CROSS_COMPILE={cross}")

# What is run, in order: stage, share of the recipe's expected seconds, command. Part of the key.
STEPS: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    (
        "unpack",
        0.05,
        ("tar", "--extract", "--file={tarball}", "--directory={source}", "--strip-components=1"),
    ),
    ("configure", 0.03, (*MAKE, "KCONFIG_ALLCONFIG={config}", "allnoconfig")),
    ("compile", 1.0, (*MAKE, "-j{jobs}", "{targets}")),
    ("strip", 0.01, ("{cross}strip", "-o", "{out}/vmlinux.stripped", "{build}/vmlinux")),
)

# The same recipe gives the same kernel on every machine, but for the paths in its debug info.
ENVIRONMENT = {
    "KBUILD_BUILD_USER": "lab",
    "KBUILD_BUILD_HOST": "klp-debug",
    "KBUILD_BUILD_TIMESTAMP": "2000-01-01 00:00:00 UTC",
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True)
class BuiltKernel:
    """A kernel in the cache."""

    recipe: Recipe
    key: str
    source_version: str
    tools: Toolchain
    folder: Path

    @property
    def vmlinux(self) -> Path:
        """The kernel with its debug info."""
        return self.folder / "vmlinux"

    @property
    def stripped(self) -> Path:
        """The same build without debug info, to boot."""
        return self.folder / "vmlinux.stripped"

    @property
    def modules(self) -> Path:
        """The folder of the in-tree modules that the recipe keeps."""
        return self.folder / "modules"

    def make(self, *words: str) -> list[str]:
        """Return the command of a make against this kernel."""
        names = {"source": self.folder / "source", "build": self.folder / "build"}
        make = [word.format(cross=self.recipe.cross, **names) for word in MAKE]
        return self.tools.command([*make, *words], ENVIRONMENT)


def kernel_key(recipe: Recipe, version: str, compiler: str) -> str:
    """Return the key of a build: all that shapes it."""
    rules = [prune.SOURCE, prune.BUILD_DROP, prune.BUILD_KEEP]
    return key_of(recipe.fingerprint(), version, compiler, STEPS, ENVIRONMENT, rules)


def build_kernel(recipe: Recipe) -> BuiltKernel:
    """
    Return the kernel of RECIPE; builds it if the cache has it not.

    Raises StepFailedError for a failed step, LabError if the host lacks what the recipe needs or
    the configuration did not take all that the fragments ask for.
    """
    version = source_version(recipe.source, recipe.suite)
    tools = toolchain(recipe.build_root)
    compiler = tools.version(f"{recipe.cross}gcc")
    key = kernel_key(recipe, version, compiler)

    def make(folder: Path) -> None:
        _build(recipe, tools, source_tarball(recipe.source, version, recipe.suite), folder)
        told = {"source": recipe.source, "source_version": version, "compiler": compiler}
        (folder / "built-from.json").write_text(json.dumps(told, indent=1) + "\n")

    folder = entry("kernels", recipe.name, key, make)
    return BuiltKernel(recipe, key, version, tools, folder)


def _build(recipe: Recipe, tools: Toolchain, tarball: Path, folder: Path) -> None:
    source, build = folder / "source", folder / "build"
    source.mkdir()
    build.mkdir()
    config = folder / "fragments.config"
    config.write_text(recipe.config_text())
    names = {
        "tarball": tarball,
        "source": source,
        "build": build,
        "out": folder,
        "config": config,
        "cross": recipe.cross,
        "jobs": len(os.sched_getaffinity(0)),
    }
    for step, share, command in STEPS:
        argv = [
            word
            for template in command
            for word in (recipe.targets if template == "{targets}" else [template.format(**names)])
        ]
        title = f"kernel {recipe.name}: {step}"
        run_stage(title, tools.command(argv, ENVIRONMENT), share * recipe.expected_seconds)
        if step == "configure":
            check_config(recipe, recipe.config_text(), (build / ".config").read_text())
    (build / "vmlinux").rename(folder / "vmlinux")
    (folder / "modules").mkdir()
    for module in recipe.modules:
        (build / module).rename(folder / "modules" / Path(module).name)
    prune.prune_build(build)
    prune.prune_source(source)


def check_config(recipe: Recipe, wanted: str, got: str) -> None:
    """Raise LabError if GOT, a .config, lacks what WANTED, the fragments, ask for."""
    asked = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", wanted, re.MULTILINE))
    taken = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", got, re.MULTILINE))
    wrong = [name for name, value in asked.items() if taken.get(name, "n") != value]
    if wrong:
        raise LabError(
            f"kernel recipe '{recipe.name}': Kconfig did not take {', '.join(sorted(wrong))}"
        )
