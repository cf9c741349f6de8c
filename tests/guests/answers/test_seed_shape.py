# SPDX-License-Identifier: GPL-2.0-or-later
"""
Call sites of three instructions, as gcc before 6 makes them, in a kernel that ran them.

The module seed_shape has one function of either shape that the report of 2016 on the linuxppc-dev
list shows, word for word; both are patched. What klp-debug says of them is compared with that
listing and with what the guest said just before the capture.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Captured
from tests.support.cli import klp_debug_json
from tests.support.tier import cases
from vmcores.oracle.oracle import Oracle

pytestmark = pytest.mark.lab

DIALECT = "mprofile-kernel (3 instructions)"
MODULE = "seed_shape"
MFLR_R0, STD_R0_16_R1 = 0x7C0802A6, 0xF8010010
# The words of the report from the local entry point on; the bl goes where the loader or ftrace
# wants it to.
SEQUENCE = (MFLR_R0, STD_R0_16_R1, None, MFLR_R0, STD_R0_16_R1)
BL, BL_MASK = 0x48000001, 0xFC000003


@dataclass(frozen=True)
class Shape:
    """One function of the module, as its source has it."""

    size: int
    leaf: bool
    offset: int
    """Of the site, from the global entry point."""
    local: int
    """The local entry point, from there, too."""


SHAPES = {
    "seed_leaf": Shape(88, leaf=True, offset=0x8, local=0),
    "seed_toc": Shape(56, leaf=False, offset=0x10, local=8),
}


@dataclass(frozen=True)
class Subject:
    """The capture on the command line, and what its guest said."""

    target: tuple[str | Path, ...]
    oracle: Oracle

    def ask(self, *words: str) -> Any:
        return _document(*words, *self.target)


@functools.cache
def _document(*words: str | Path) -> Any:
    """Run the command once for all tests of a subject; none of them changes its target."""
    return klp_debug_json(*words)


@pytest.fixture(params=[mmu for _, mmu in cases("seed_shape")], scope="module")
def subject(request: pytest.FixtureRequest, captured: Captured) -> Subject:
    captures = captured("seed_shape", request.param, "6.1")
    target = "--core", captures.path("kdump"), "--symbols", captures.image.vmlinux
    return Subject(target, captures.oracle)


@pytest.mark.parametrize("name", SHAPES)
def test_site(subject: Subject, name: str) -> None:
    shape = SHAPES[name]
    address = subject.oracle.address(name, MODULE)
    document = subject.ask("func", name)
    assert document["problems"] == []
    assert document["module"] == MODULE
    assert int(document["address"], 16) == address
    assert document["size"] == shape.size
    assert document["leaf_without_toc"] is shape.leaf
    entry = document["entry"]
    assert int(entry["global"], 16) == address
    assert int(entry["local"], 16) == address + shape.local
    assert entry["toc_setup"] == ("none" if shape.leaf else "r12")
    site = document["site"]
    assert site["dialect"] == DIALECT
    assert site["offset"] == shape.offset
    assert int(site["address"], 16) == address + shape.offset
    assert site["state"] == "armed"


def test_toc_of_the_replacement(subject: Subject) -> None:
    """The kernel keeps all symbols of a livepatch module: .TOC. too, as its loader computed it."""
    toc = subject.oracle.address("TOC.", "seed_patch")
    document = subject.ask("func", "seed_toc")
    assert int(document["replacement_entry"]["toc"], 16) == toc


@pytest.mark.parametrize("name", SHAPES)
def test_words_are_those_of_the_report(subject: Subject, name: str) -> None:
    shape = SHAPES[name]
    document = subject.ask("func", name)
    local = subject.oracle.address(name, MODULE) + shape.local
    lines = [line for line in document["listing"] if int(line["address"], 16) >= local]
    words = [int(word, 16) for line in lines for word in line["words"]]
    assert [int(line["address"], 16) for line in lines] == [
        local + 4 * index for index in range(len(words))
    ]
    assert len(words) >= len(SEQUENCE)
    for word, expected in zip(words, SEQUENCE, strict=False):
        if expected is None:
            assert word & BL_MASK == BL
        else:
            assert word == expected
    assert [line["mnemonic"] for line in lines[:5]] == ["mflr", "std", "bl", "mflr", "std"]
    assert any("mcount site" in note for note in lines[2]["notes"])
    assert int(document["site"]["word"], 16) == words[2]


@pytest.mark.parametrize("name", SHAPES)
def test_chain_ends_at_the_replacement(subject: Subject, name: str) -> None:
    oracle = subject.oracle
    document = subject.ask("func", name)
    (line,) = (line for line in oracle.enabled_functions if line.name == name)
    assert line.module == MODULE
    assert document["record"]["agrees"]
    assert document["record"]["users"] == line.count
    assert ("IPMODIFY" in document["record"]["flags"]) is ("I" in line.flags)
    new_func = oracle.address(f"patched_{name}", "seed_patch")
    assert document["winner"] == {
        "patch": "seed_patch",
        "new_func": f"{new_func:#018x}",
        "symbol": f"patched_{name} [seed_patch]",
    }
    assert all(hop["ok"] for hop in document["chain"])
    chain = {hop["kind"]: int(hop["address"], 16) for hop in document["chain"]}
    assert chain["site"] == oracle.address(name, MODULE) + SHAPES[name].offset
    (module,) = (module for module in oracle.modules if module.name == MODULE)
    assert module.address <= chain["stub"] < module.address + module.size
    assert chain["trampoline"] == oracle.address("ftrace_caller")
    assert chain["handler"] == oracle.address("klp_ftrace_handler")
    assert chain["replacement"] == new_func


def test_audit_counts_both_sites(subject: Subject) -> None:
    document = subject.ask("audit")
    assert document["findings"] == []
    assert document["problems"] == []
    assert document["read"] == document["sites"]
    counted = {count["what"]: count["sites"] for count in document["dialects"]}
    # All else was compiled by a later gcc.
    assert counted == {
        DIALECT: len(SHAPES),
        "mprofile-kernel (2 instructions)": document["sites"] - len(SHAPES),
    }
    states = {count["what"]: count["sites"] for count in document["states"]}
    assert states["armed"] == len(subject.oracle.enabled_functions) == len(SHAPES)
    offsets = {(o["toc_setup"], o["offset"]): o["sites"] for o in document["offsets"]}
    for shape in SHAPES.values():
        assert offsets[not shape.leaf, shape.offset] == 1
