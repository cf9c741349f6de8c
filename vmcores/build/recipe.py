# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel recipes: what to build, from which package, with which configuration."""

import tomllib
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from vmcores.errors import LabError

FOLDER = Path(__file__).parents[1] / "kernels"


@dataclass(frozen=True)
class Recipe:
    """One kernel of the lab; the fields are those of its file in kernels/."""

    name: str
    source: str
    """The Debian source-tree package (linux-source-*)."""
    suite: str
    """The suite that SOURCE comes from."""
    config: tuple[str, ...]
    """Configuration fragments in kernels/, over allnoconfig; a later one overrides."""
    compiler: str
    """The package of the compiler."""
    cross: str
    """The prefix of the compiler's commands."""
    expected_seconds: float
    """What compiling takes on two cores."""
    build_root: str | None = None
    """The suite whose compiler builds it, in a build root; None for the host's own compiler."""
    userland: str | None = None
    """The suite of the guest's user land, where it is not SUITE."""
    dump_level: int = 31
    """
    What makedumpfile leaves out (-d): 31, all that tells nothing of the kernel; 1, zero pages.

    For more than 1 it must know the kernel's struct page.
    """
    targets: tuple[str, ...] = ("vmlinux", "modules")
    modules: tuple[str, ...] = ()
    """In-tree modules to keep."""
    guest_modules: bool = True
    """Whether the lab's own modules are built for it."""
    cpus: dict[str, str] = field(default_factory=lambda: {"radix": "POWER9", "hash": "POWER8"})
    """MMU -> QEMU's CPU model."""

    def config_text(self) -> str:
        """Return the fragments, joined."""
        return "".join((FOLDER / name).read_text() for name in self.config)

    def fingerprint(self) -> dict[str, object]:
        """Return all that shapes the build, without what is only told to people."""
        data = asdict(self)
        del data["expected_seconds"], data["cpus"], data["userland"], data["dump_level"]
        if self.build_root is None:
            del data["build_root"]
        return data | {"config_text": self.config_text()}


def recipe_names() -> list[str]:
    """Return the names of all recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def guest_kernels() -> tuple[str, ...]:
    """Return the names of the recipes whose kernels run the lab's own modules."""
    return tuple(name for name in recipe_names() if load_recipe(name).guest_modules)


@cache
def load_recipe(name: str) -> Recipe:
    """Return the recipe NAME. Raises LabError if there is none, or its file is wrong."""
    if name not in recipe_names():
        raise LabError(f"no kernel recipe '{name}'; there are: {', '.join(recipe_names())}")
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    lists = {key: tuple(value) for key, value in data.items() if isinstance(value, list)}
    try:
        return Recipe(name=name, **(data | lists))
    except TypeError as error:
        raise LabError(f"kernel recipe '{name}': {error}") from error
