# SPDX-License-Identifier: GPL-2.0-or-later
"""
The covering set has what it claims: each pair of dimensions that shares code, once.

A claim is a row of the table in docs/tests.md, which is made of the claims here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from vmcores.build.recipe import guest_kernels, load_recipe
from vmcores.errors import ScenarioError
from vmcores.scenarios.covering import covering_cases, parse_covering
from vmcores.scenarios.scenario import load_scenario, scenario_names

PAGE = Path(__file__).parents[3] / "docs" / "tests.md"

IN_LINE = {"6.1", "6.1-4k", "6.12"}
OUT_OF_LINE = {"7.2", "7.2-pcrel"}
WORDS = {
    # Scenarios whose answers decode what is at sites and in stubs and trampolines.
    *("armed_site_altered", "caller_toc_overwritten", "crash_in_replacement", "ftrace_bug"),
    *("livepatch_stack_trap", "namesake", "new_func_to_nowhere", "patch_module_gone"),
    *("replacement_wrong_toc", "seed_crash", "sibling_call", "sleep_in_replacement"),
    *("stub_to_nowhere", "toc_stub_survives"),
}
TRAPS = {
    # How a crash ends, which the two MMUs tell by different vectors: a scenario of each.
    "instruction fetch": {"seed_crash"},
    "data access": {"crash_in_replacement"},
    "trap": {"armed_site_altered"},
    "bad address out of range": {"r15_clobbered"},
}
PCREL = {"patched", "crash_in_replacement", "sleep_in_replacement"}
"""Scenarios whose answers depend on the TOC, which the kernel of POWER10 has none of."""


def kernels(scenario: str) -> set[str]:
    return {kernel for kernel, _ in covering_cases(load_scenario(scenario))}


def mmus(*scenarios: str) -> set[str]:
    return {mmu for name in scenarios for _, mmu in covering_cases(load_scenario(name))}


def kinds(kernel: str) -> set[str]:
    return {
        kind
        for name in scenario_names()
        for kind in load_scenario(name).captures
        if kernel in kernels(name)
    }


def lacking(pairs: dict[str, bool]) -> list[str]:
    return [pair for pair, covered in pairs.items() if not covered]


@dataclass(frozen=True)
class Claim:
    """What the set covers."""

    pair: str
    why: str
    lacks: Callable[[], list[str]]
    """Returns the pairs that are not in the set."""


CLAIMS = (
    Claim(
        "scenario, but for `nolivepatch`",
        "each is one way to go wrong; that one takes a kernel of its own",
        lambda: lacking(
            {name: bool(kernels(name)) for name in scenario_names() if name != "nolivepatch"}
        ),
    ),
    Claim(
        "kernel x MMU",
        "page tables differ by both",
        lambda: lacking(
            {
                f"{kernel} {mmu}": (kernel, mmu) in covering_cases(load_scenario("patched"))
                for kernel in guest_kernels()
                for mmu in load_recipe(kernel).cpus
            }
        ),
    ),
    Claim(
        "kernel x kind of capture",
        "notes and vmcoreinfo differ by kernel, formats by kind",
        lambda: lacking(
            {
                f"{kernel} {kind}": kind in kinds(kernel)
                for kernel in guest_kernels()
                for kind in ("kdump", "elf", "qemu-elf", "qemu-kdump")
            }
        ),
    ),
    Claim(
        "scenario that decodes words x sites in line and out of line",
        "one decoder for each of the two",
        lambda: lacking(
            {
                f"{name} {where}": bool(kernels(name) & family)
                for name in WORDS
                for where, family in (("in line", IN_LINE), ("out of line", OUT_OF_LINE))
            }
        ),
    ),
    Claim(
        "scenario that asks for the TOC x kernel without TOC",
        "other entry points, other stubs",
        lambda: lacking({name: "7.2-pcrel" in kernels(name) for name in PCREL}),
    ),
    Claim(
        "way to crash x MMU",
        "the vectors of an access differ by MMU",
        lambda: lacking({trap: mmus(*names) >= {"hash"} for trap, names in TRAPS.items()}),
    ),
    Claim(
        "crash x kernel",
        "registers, stacks and log records differ by version",
        lambda: lacking(
            {
                kernel: any(
                    load_scenario(name).true.oops and kernel in kernels(name) for name in WORDS
                )
                for kernel in ("6.1", "6.12", "7.2", "7.2-pcrel")
            }
        ),
    ),
    Claim(
        "transition x kernel",
        "klp structures differ by version",
        lambda: lacking(
            {
                kernel: any(
                    kernel in kernels(name)
                    for name in scenario_names()
                    if load_scenario(name).true.transition
                )
                for kernel in ("6.1", "6.12", "7.2")
            }
        ),
    ),
)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.pair)
def test_the_set_covers_what_it_claims(claim: Claim) -> None:
    assert claim.lacks() == []


def rows() -> Iterator[str]:
    for claim in CLAIMS:
        yield f"| {claim.pair} | {claim.why} |"


def test_the_page_has_the_claims() -> None:
    text = PAGE.read_text(encoding="ascii")
    for row in rows():
        assert row in text


def test_the_page_says_what_is_left_out() -> None:
    covered = sum(len(covering_cases(load_scenario(name))) for name in scenario_names())
    full = sum(len(load_scenario(name).cases()) for name in scenario_names())
    text = PAGE.read_text(encoding="ascii")
    assert f"{covered} of the {full} combinations" in " ".join(text.split())


def test_every_kernel_is_in_it() -> None:
    assert {kernel for name in scenario_names() for kernel in kernels(name)} == set(guest_kernels())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('nosuch = ["6.1 radix"]', "lacks or invents"),
        ("", "lacks or invents"),
    ],
)
def test_a_set_with_other_scenarios_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ScenarioError, match=reason):
        parse_covering(text)


@pytest.mark.parametrize("words", ['["6.1 hash"]', "[]", '["5.0 radix"]'])
def test_a_scenario_is_not_played_with_what_it_is_not_for(words: str) -> None:
    lines = [
        f'{name} = ["{" ".join(load_scenario(name).cases()[0])}"]' for name in scenario_names()
    ]
    text = "\n".join(line for line in lines if not line.startswith("unpatched "))
    with pytest.raises(ScenarioError, match="plays 'unpatched' with"):
        parse_covering(f"{text}\nunpatched = {words}")
