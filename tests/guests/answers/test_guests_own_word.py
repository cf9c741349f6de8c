# SPDX-License-Identifier: GPL-2.0-or-later
"""
``list`` and ``func`` against the guest's own word, for every kernel, capture and MMU.

The oracle is what sysfs, kallsyms, tracefs and the probe said just before the capture.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Captured, Played
from tests.support.cli import klp_debug_json
from tests.support.entry_shapes import SHAPES, Shape
from tests.support.patched_dumps import patched_dumps
from tests.support.tier import by_tier, cases
from vmcores.build.image import Image
from vmcores.oracle.oracle import EnabledFunction, Oracle

pytestmark = pytest.mark.lab

KINDS = ("kdump", "elf", "qemu-elf", "qemu-kdump", "live")
SOURCES = {
    "kdump": "kdump vmcore",
    "elf": "ELF vmcore",
    "qemu-elf": "QEMU memory dump (ELF)",
    "qemu-kdump": "QEMU memory dump (kdump)",
    "live": "QEMU guest",
}


LETTERS = {"R": "REGS", "I": "IPMODIFY", "D": "DIRECT", "O": "CALL_OPS", "M": "MODIFIED"}
"""What tracefs shows of a record's flags."""


def kinds(kernel: str, mmu: str) -> tuple[str, ...]:
    """Return the kinds of capture to try; all with each page size, and fewer with the rest."""
    if kernel in ("6.1", "6.1-4k"):
        return KINDS
    return ("kdump", "qemu-elf", "live") if mmu == "radix" else ("kdump",)


SUBJECTS = by_tier(
    covering=[
        *patched_dumps(),
        # Those that run: each MMU, a TOC and none. Sites in line: debug_stub/test_qemu_stub.py.
        ("7.2", "hash", "live"),
        ("7.2-pcrel", "radix", "live"),
    ],
    full=[(kernel, mmu, kind) for kernel, mmu in cases("patched") for kind in kinds(kernel, mmu)],
)


@dataclass(frozen=True)
class Subject:
    """A target on the command line, and what its guest said."""

    kind: str
    target: tuple[str | Path, ...]
    oracle: Oracle
    image: Image

    @property
    def shape(self) -> Shape:
        return SHAPES[self.image.kernel.recipe.name]

    def list(self) -> Any:
        return _document("list", *self.target)

    def func(self, name: str) -> Any:
        return _document("func", name, *self.target)


@functools.cache
def _document(*words: str | Path) -> Any:
    """Run the command once for all tests of a subject; none of them changes its target."""
    return klp_debug_json(*words)


@pytest.fixture(params=SUBJECTS, ids="-".join, scope="session")
def subject(request: pytest.FixtureRequest, captured: Captured, played: Played) -> Subject:
    kernel, mmu, kind = request.param
    if kind == "live":
        guest, oracle = played("patched", mmu, kernel)
        target: tuple[str | Path, ...] = ("--qemu", guest.qmp_socket)
        image = guest.image
    else:
        captures = captured("patched", mmu, kernel)
        target, oracle, image = ("--core", captures.path(kind)), captures.oracle, captures.image
    # vmlinux alone: modules are understood without their files.
    return Subject(kind, (*target, "--symbols", image.vmlinux), oracle, image)


def functions_of(document: Any) -> list[tuple[str, str, Any]]:
    """Return (patch, object, function) of a list document."""
    return [
        (patch["name"], obj["name"], function)
        for patch in document["patches"]
        for obj in patch["objects"]
        for function in obj["functions"]
    ]


def module_of(name: str) -> str | None:
    return None if name == "vmlinux" else name


def test_kernel(subject: Subject) -> None:
    kernel = subject.list()["kernel"]
    oracle = subject.oracle
    assert kernel["release"] == oracle.release
    assert kernel["build_id"] == oracle.build_id
    assert kernel["mmu"] == oracle.mmu
    assert kernel["page_size"] == oracle.page_size
    assert kernel["source"] == SOURCES[subject.kind]
    assert kernel["dialect"] == subject.shape.dialect
    assert kernel["pcrel"] is (subject.shape.toc_setup == "pcrel")


def test_patches_are_those_of_sysfs(subject: Subject) -> None:
    document = subject.list()
    assert document["problems"] == []
    found = {
        patch["name"]: (
            patch["enabled"],
            patch["transition"] is not None,
            {
                (
                    obj["name"],
                    obj["patched"],
                    # sysfs prints 1 where old_sympos is 0.
                    frozenset(
                        f"{function['old_name']},{max(1, function['sympos'])}"
                        for function in obj["functions"]
                    ),
                )
                for obj in patch["objects"]
            },
        )
        for patch in document["patches"]
    }
    said = {
        patch.name: (
            patch.enabled,
            patch.transition,
            {(obj.name, obj.patched, frozenset(obj.functions)) for obj in patch.objects},
        )
        for patch in subject.oracle.patches
    }
    assert len(said) == 4
    assert found == said


def test_addresses_are_those_of_kallsyms(subject: Subject) -> None:
    for patch, obj, function in functions_of(subject.list()):
        old = subject.oracle.address(function["old_name"], module_of(obj))
        assert int(function["old_func"], 16) == old
        names = {
            (symbol.name, symbol.module)
            for symbol in subject.oracle.kallsyms
            if symbol.address == int(function["new_func"], 16)
        }
        name, _, module = function["new_symbol"].partition(" ")
        assert (name, module.strip("[]")) in names
        assert module == f"[{patch}]"


def test_winners_are_the_armed_functions(subject: Subject) -> None:
    """Each function that tracefs shows with IPMODIFY has one winner, and no other has any."""
    document = subject.list()
    winners = [
        (function["old_name"], module_of(obj))
        for _, obj, function in functions_of(document)
        if function["winner"]
    ]
    armed = [
        (function.name, function.module)
        for function in subject.oracle.enabled_functions
        if "I" in function.flags
    ]
    assert sorted(winners, key=str) == sorted(armed, key=str)


def test_the_winner_is_what_ran(subject: Subject) -> None:
    """/proc/cmdline, read in the guest, was written by the version that runs."""
    said = subject.oracle.cmdline.strip()
    by_patch = {
        patch: function
        for patch, _, function in functions_of(subject.list())
        if function["old_name"] == "cmdline_proc_show"
    }
    assert set(by_patch) == {"cmdline_patch_1", "cmdline_patch_2"}
    assert by_patch[said]["winner"]
    assert by_patch[said]["runs"] == "replacement"
    (other,) = set(by_patch) - {said}
    assert not by_patch[other]["winner"]
    assert by_patch[other]["overridden_by"] == said
    assert subject.func("cmdline_proc_show")["winner"]["patch"] == said


def armed_function(subject: Subject, name: str) -> EnabledFunction:
    (found,) = (line for line in subject.oracle.enabled_functions if line.name == name)
    return found


PATCHED = {
    # name: module, patch, leaf without TOC, replacement
    "int_to_scsilun": ("scsi_common", "leaf_patch", True, "patched_int_to_scsilun"),
    "scsi_set_sense_information": (
        "scsi_common",
        "toc_patch",
        False,
        "patched_scsi_set_sense_information",
    ),
    "cmdline_proc_show": (None, "cmdline_patch_2", False, "patched_cmdline_proc_show_2"),
}


@pytest.mark.parametrize("name", PATCHED)
def test_func_of_a_patched_function(subject: Subject, name: str) -> None:
    module, patch, leaf, replacement = PATCHED[name]
    document = subject.func(name)
    oracle = subject.oracle
    line = armed_function(subject, name)
    assert document["problems"] == []
    assert document["module"] == module == line.module
    assert int(document["address"], 16) == oracle.address(name, module)
    shape = subject.shape
    setup = shape.leaf_setup if leaf else shape.toc_setup
    assert document["leaf_without_toc"] is (setup == "none")
    assert document["entry"]["toc_setup"] == setup
    assert document["site"]["state"] == "armed"
    assert document["site"]["offset"] == (shape.leaf_offset if leaf else shape.toc_offset)
    assert document["record"]["users"] == line.count
    for letter, flag in LETTERS.items():
        assert (flag in document["record"]["flags"]) is (letter in line.flags)
    new_func = oracle.address(replacement, patch)
    assert document["winner"] == {
        "patch": patch,
        "new_func": f"{new_func:#018x}",
        "symbol": f"{replacement} [{patch}]",
    }
    chain = {hop["kind"]: hop for hop in document["chain"]}
    assert all(hop["ok"] for hop in document["chain"])
    # A module is out of a branch's reach of the kernel's text: it needs a stub.
    assert ("stub" in chain) is (module is not None)
    assert ("ool-stub" in chain) is (shape.dialect == "out-of-line")
    assert int(chain["trampoline"]["address"], 16) == oracle.address("ftrace_caller")
    assert int(chain["handler"]["address"], 16) == oracle.address("klp_ftrace_handler")
    assert int(chain["replacement"]["address"], 16) == new_func
    for hop, following in zip(document["chain"], document["chain"][1:], strict=False):
        if hop["kind"] not in ("trampoline", "dispatch"):
            assert hop["next"] == following["address"], hop


def test_func_of_an_idle_function(subject: Subject) -> None:
    name = "meminfo_proc_show"
    assert all(line.name != name for line in subject.oracle.enabled_functions)
    document = subject.func(name)
    assert int(document["address"], 16) == subject.oracle.address(name)
    assert document["site"]["state"] == "idle"
    assert document["record"]["users"] == 0
    assert document["winner"] is None


def test_func_by_address(subject: Subject) -> None:
    address = subject.oracle.address("int_to_scsilun", "scsi_common")
    assert subject.func(f"{address + 8:#x}")["name"] == "int_to_scsilun"


def test_modules_files_change_nothing(subject: Subject) -> None:
    without = subject.list()
    with_files = klp_debug_json("list", *subject.target, "--symbols", subject.image.modules)
    assert with_files == without
