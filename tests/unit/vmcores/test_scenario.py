# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

import pytest

from vmcores.build.recipe import guest_kernels
from vmcores.damages import DAMAGES
from vmcores.errors import ScenarioError
from vmcores.oracle.oops import Oops
from vmcores.oracle.oracle import EnabledFunction, Oracle, Patch, Task
from vmcores.scenarios.capture import FILES
from vmcores.scenarios.scenario import Truths, load_scenario, parse_scenario, scenario_names

ORACLE = Oracle(
    release="6.1",
    build_id="00",
    mmu="radix",
    page_size=65536,
    patches=(Patch("p", enabled=True, transition=True, objects=()),),
    enabled_functions=(EnabledFunction("f", "m", 1, "I"),),
    modules=(),
    tasks=(Task(7, "cat", "D", 0, ("schedule", "f [m]")), Task(8, "sh", "R", -1, ("g",))),
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
    asleep_in="f",
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
    assert scenario.damage is None or scenario.damage in DAMAGES
    # Only an oops that the crash kernel captures is one that the scenario can end with.
    assert scenario.true.oops is None or scenario.captures == ("kdump",)


def test_a_scenario_is_for_every_kernel_that_boots_guests() -> None:
    scenario = load_scenario("patched")
    assert scenario.kernels == guest_kernels()
    assert {("6.1", "hash"), ("7.2", "radix"), ("7.2", "hash")} <= set(scenario.cases())
    # A kernel for POWER10 does not run on POWER8.
    assert ("7.2-pcrel", "hash") not in scenario.cases()
    assert load_scenario("nolivepatch").cases() == [("6.1-nolivepatch", "radix")]


def test_kernels_to_run_with_hash() -> None:
    text = """
        kernels = ["6.1", "6.12", "7.2-pcrel"]
        mmus = ["radix", "hash"]
        hash_kernels = ["6.1"]
        steps = []
        captures = []
    """
    assert parse_scenario("s", text).cases() == [
        ("6.1", "radix"),
        ("6.1", "hash"),
        ("6.12", "radix"),
        ("7.2-pcrel", "radix"),
    ]


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
        (replace(TRUTHS, asleep_in="g"), "asleep_in"),
        (replace(TRUTHS, asleep_in="h"), "asleep_in"),
        (replace(TRUTHS, leaf_probe="x"), "leaf_probe"),
        (replace(TRUTHS, cmdline="d\n"), "cmdline"),
        (replace(TRUTHS, log=("livepatch: y",)), "log"),
    ],
)
def test_truths_that_do_not_hold(truths: Truths, words: str) -> None:
    broken = truths.broken(ORACLE)
    assert broken
    assert broken[-1].startswith(words) or broken[0].startswith(words)


def test_the_end_is_the_oops_that_is_meant() -> None:
    oops = Oops(
        message="BUG: x",
        trap=0x300,
        cpu=0,
        pid=1,
        comm="cat",
        nip=0,
        lr=0,
        ctr=0,
        gprs=(0,) * 32,
        dar=None,
        cfar=None,
        nip_symbol="0x0",
        lr_symbol="0x0",
        call_trace=(),
    )
    assert replace(TRUTHS, oops="BUG: x").broken_by_end(oops) == []
    assert TRUTHS.broken_by_end(None) == []
    assert TRUTHS.broken_by_end(oops) == ["oops: expected None, got 'BUG: x'"]
    assert replace(TRUTHS, oops="BUG: y").broken_by_end(oops)
    assert replace(TRUTHS, oops="BUG: y").broken_by_end(None)
