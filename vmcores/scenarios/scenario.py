# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios: what to do in a guest, how to capture it, and what must be true then."""

import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from vmcores.build.recipe import guest_kernels, load_recipe
from vmcores.errors import ScenarioError
from vmcores.guest.guest import SYSRQ_CRASH
from vmcores.oracle.oops import Oops
from vmcores.oracle.oracle import Oracle

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Truths:
    """What the guest's own word must be; what is None is not asked."""

    patches: tuple[str, ...] = ()
    """All patches, each of them enabled."""
    transition: tuple[str, ...] = ()
    """Those of them in transition."""
    enabled_functions: tuple[str, ...] = ()
    """All armed functions: 'name' or 'name [module]'."""
    unpatched_tasks_in: str | None = None
    """A function that every task of the transition that is not patched yet sleeps in."""
    leaf_probe: str | None = None
    cmdline: str | None = None
    log: tuple[str, ...] = ()
    """Lines that the livepatch core must have logged."""
    asleep_in: str | None = None
    """A function that some task sleeps in."""
    oops: str | None = None
    """How the message of the oops begins that it ends with; without it, there must be none."""

    def broken(self, oracle: Oracle) -> list[str]:
        """Return a sentence for each truth that does not hold."""
        armed = sorted(
            f"{f.name} [{f.module}]" if f.module else f.name for f in oracle.enabled_functions
        )
        compared: list[tuple[str, object, object]] = [
            ("patches", sorted(self.patches), sorted(p.name for p in oracle.patches)),
            ("enabled", sorted(self.patches), sorted(p.name for p in oracle.patches if p.enabled)),
            (
                "transition",
                sorted(self.transition),
                sorted(p.name for p in oracle.patches if p.transition),
            ),
            ("enabled_functions", sorted(self.enabled_functions), armed),
        ]
        if self.leaf_probe is not None:
            compared.append(("leaf_probe", self.leaf_probe, oracle.leaf_probe))
        if self.cmdline is not None:
            compared.append(("cmdline", self.cmdline, oracle.cmdline))
        sentences = [f"{n}: expected {a!r}, got {b!r}" for n, a, b in compared if a != b]
        sentences += [f"log: no line {w!r}" for w in self.log if w not in oracle.log]
        if self.asleep_in is not None and not any(
            task.state != "R" and any(f.split()[0] == self.asleep_in for f in task.stack)
            for task in oracle.tasks
        ):
            sentences.append(f"asleep_in: no task sleeps in {self.asleep_in}")
        if self.unpatched_tasks_in is not None:
            stacks = [t.stack for t in oracle.transition_tasks if t.patch_state == 0]
            if not stacks or any(
                not any(f.split()[0] == self.unpatched_tasks_in for f in s) for s in stacks
            ):
                sentences.append(f"unpatched tasks not in {self.unpatched_tasks_in}: {stacks}")
        return sentences

    def broken_by_end(self, oops: Oops | None) -> list[str]:
        """Return a sentence if the guest did not end as it must."""
        message = oops.message if oops else None
        if message is None or self.oops is None:
            fits = message is self.oops
        else:
            fits = message.startswith(self.oops)
        return [] if fits else [f"oops: expected {self.oops!r}, got {message!r}"]


@dataclass(frozen=True)
class Scenario:
    """One scenario; the fields are those of its file in scenarios/."""

    name: str
    mmus: tuple[str, ...]
    steps: tuple[str, ...]
    """Commands in the guest; each must end with status 0. After them, the oracle is asked."""
    captures: tuple[str, ...]
    kernels: tuple[str, ...] = ()
    """Kernel recipes; those that guests boot by default, if the file names none."""
    hash_kernels: tuple[str, ...] = ()
    """Those of them to run with the hash MMU, if the file names any; else all that can."""
    damage: str | None = None
    """What to do to the guest from outside, after the oracle: a name of damages.DAMAGES."""
    then: tuple[str, ...] = ()
    """Commands in the guest after the damage; each must end with status 0."""
    last: str = "true"
    """A command to run in the same breath as a crash, after the oracle: for what does not last."""
    crash: str = SYSRQ_CRASH
    """The command that crashes the guest, where the crash kernel is to capture it."""
    description: str = ""
    memory: str = "512M"
    smp: int = 2
    true: Truths = field(default_factory=Truths)

    @property
    def commands(self) -> tuple[str, ...]:
        """All its commands."""
        return (*self.steps, *self.then, self.last, self.crash)

    def cases(self) -> list[tuple[str, str]]:
        """Return every (kernel, MMU) it is for: of its MMUs those that the kernel runs with."""
        return [
            (kernel, mmu)
            for kernel in self.kernels
            for mmu in self.mmus
            if mmu in load_recipe(kernel).cpus
            if mmu != "hash" or kernel in (self.hash_kernels or self.kernels)
        ]


def scenario_names() -> list[str]:
    """Return the names of all scenarios."""
    return sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem != "covering")


@cache
def load_scenario(name: str) -> Scenario:
    """Return the scenario NAME. Raises ScenarioError if there is none, or its file is wrong."""
    if name not in scenario_names():
        raise ScenarioError(f"no scenario '{name}'; there are: {', '.join(scenario_names())}")
    return parse_scenario(name, (FOLDER / f"{name}.toml").read_text())


def parse_scenario(name: str, text: str) -> Scenario:
    """Return the scenario of a file's TEXT. Raises ScenarioError."""
    try:
        data = tomllib.loads(text)
        truths = Truths(**_tuples(data.pop("true", {})))
        scenario = Scenario(name=name, true=truths, **_tuples(data))
    except (TypeError, tomllib.TOMLDecodeError) as error:
        raise ScenarioError(f"scenario '{name}': {error}") from error
    return scenario if scenario.kernels else replace(scenario, kernels=guest_kernels())


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
