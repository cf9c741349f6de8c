# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

import pytest

from vmcores.capture import FILES
from vmcores.errors import ScenarioError
from vmcores.oracle import EnabledFunction, Oracle, Patch, TransitionTask
from vmcores.recipe import guest_kernels
from vmcores.scenario import Truths, load_scenario, parse_scenario, scenario_names

ORACLE = Oracle(
    release="6.1",
    build_id="00",
    mmu="radix",
    page_size=65536,
    patches=(Patch("p", enabled=True, transition=True, objects=()),),
    enabled_functions=(EnabledFunction("f", "m", 1, "I"),),
    modules=(),
    transition_tasks=(TransitionTask(7, "cat", 0, ("schedule", "f [m]")),),
    leaf_probe="",
    cmdline="c\n",
    log=("livepatch: x",),
    kallsyms=(),
)
TRUTHS = Truths(
    patches=("p",),
    transition=("p",),
    enabled_functions=("f [m]",),
    unpatched_tasks_in="f",
    cmdline="c\n",
    log=("livepatch: x",),
)


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_is_sound(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.captures
    assert set(scenario.captures) <= FILES.keys()
    assert scenario.cases()
    assert {kernel for kernel, _ in scenario.cases()} == set(scenario.kernels)


def test_a_scenario_is_for_every_kernel_that_boots_guests() -> None:
    scenario = load_scenario("patched")
    assert scenario.kernels == guest_kernels()
    assert {("6.1", "hash"), ("7.2", "radix"), ("7.2", "hash")} <= set(scenario.cases())
    # A kernel for POWER10 does not run on POWER8.
    assert ("7.2-pcrel", "hash") not in scenario.cases()
    assert load_scenario("nolivepatch").cases() == [("6.1-nolivepatch", "radix")]


def test_unknown_scenario_names_the_known() -> None:
    with pytest.raises(ScenarioError, match=r"no scenario 'x'; there are: .*patched"):
        load_scenario("x")


@pytest.mark.parametrize("text", ["kernels =", 'kernels = ["6.1"]\nstep = []\n', "[true]\nx = 1\n"])
def test_wrong_file(text: str) -> None:
    with pytest.raises(ScenarioError, match="scenario 's'"):
        parse_scenario("s", text)


def test_truths_that_hold() -> None:
    assert TRUTHS.broken(ORACLE) == []


@pytest.mark.parametrize(
    ("truths", "words"),
    [
        (replace(TRUTHS, patches=()), "patches"),
        (replace(TRUTHS, transition=()), "transition"),
        (replace(TRUTHS, enabled_functions=("f",)), "enabled_functions"),
        (replace(TRUTHS, unpatched_tasks_in="g"), "unpatched tasks"),
        (replace(TRUTHS, leaf_probe="x"), "leaf_probe"),
        (replace(TRUTHS, cmdline="d\n"), "cmdline"),
        (replace(TRUTHS, log=("livepatch: y",)), "log"),
    ],
)
def test_truths_that_do_not_hold(truths: Truths, words: str) -> None:
    broken = truths.broken(ORACLE)
    assert broken
    assert broken[-1].startswith(words) or broken[0].startswith(words)
