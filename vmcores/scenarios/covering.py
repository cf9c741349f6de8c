# SPDX-License-Identifier: GPL-2.0-or-later
"""
The covering set: every scenario, and each pair of dimensions that shares code, once.

But for a scenario whose kernel no other one is played with.

The full product of scenarios, kernels and MMUs takes over an hour to capture and to look at; what
it has more are pairs of which each half is tried elsewhere. covering.toml names the cases.
"""

import functools
import tomllib
from pathlib import Path

from vmcores.build.recipe import guest_kernels
from vmcores.errors import ScenarioError
from vmcores.scenarios.scenario import FOLDER, Scenario, load_scenario, scenario_names

FILE = FOLDER / "covering.toml"


def covering_cases(scenario: Scenario) -> list[tuple[str, str]]:
    """Return the (kernel, MMU) of SCENARIO in the covering set. Raises ScenarioError."""
    return _covering(FILE)[scenario.name]


@functools.cache
def _covering(file: Path) -> dict[str, list[tuple[str, str]]]:
    return parse_covering(file.read_text())


def parse_covering(text: str) -> dict[str, list[tuple[str, str]]]:
    """Return scenario -> its (kernel, MMU) by a file's TEXT. Raises ScenarioError."""
    named: dict[str, list[str]] = tomllib.loads(text)
    if wrong := set(named) ^ set(scenario_names()):
        raise ScenarioError(f"the covering set lacks or invents {', '.join(sorted(wrong))}")
    cases = {}
    for name, words in named.items():
        possible = {f"{kernel} {mmu}": (kernel, mmu) for kernel, mmu in load_scenario(name).cases()}
        alone = not set(load_scenario(name).kernels) & set(guest_kernels())
        if not (words or alone) or not set(words) <= set(possible):
            raise ScenarioError(
                f"the covering set plays '{name}' with {', '.join(words) or 'nothing'}, and it is"
                f" for {', '.join(possible)}"
            )
        cases[name] = [possible[word] for word in words]
    return cases
