# SPDX-License-Identifier: GPL-2.0-or-later
"""
``site`` against the guest's own word and the ELF files, on every kernel of the lab.

Where the compiler put a site is read from ``__mcount_loc``; all else that is expected is what
kallsyms, enabled_functions and /proc/modules said in the guest.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Captured
from tests.support.cli import klp_debug_json, klp_debug_run
from tests.support.compiled_sites import CompiledSites, compiled_sites
from tests.support.tier import by_tier, cases
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab

# The MMU has no part in what a site is; one kernel with hash shows that it is read the same.
CASES = by_tier(
    covering=[("6.1", "hash"), ("6.12", "radix"), ("7.2", "radix"), ("7.2-pcrel", "radix")],
    full=[case for case in cases("patched") if case[1] == "radix" or case[0] == "6.1"],
)
OUT_OF_LINE = [(kernel, mmu) for kernel, mmu in CASES if kernel.startswith("7.2")]
ARMED = {"int_to_scsilun": "leaf_patch", "cmdline_proc_show": "cmdline_patch_2"}
LETTERS = {"R": "REGS", "I": "IPMODIFY", "D": "DIRECT", "O": "CALL_OPS", "M": "MODIFIED"}
"""Letter of enabled_functions -> flag, as t_show() of kernel/trace/ftrace.c prints them."""
STUB_MAGIC = "0x" + b"stub".hex()


@dataclass(frozen=True)
class Subject:
    """A capture, and what it is compared with."""

    captures: CaptureSet

    @property
    def target(self) -> tuple[str | Path, ...]:
        return ("-c", self.captures.path("kdump"), "-s", self.captures.image.vmlinux)

    def site(self, spec: str) -> Any:
        return _document(spec, *self.target)

    def kallsyms(self, name: str, module: str | None = None) -> int:
        return self.captures.oracle.address(name, module)

    def compiled(self, module: str | None) -> CompiledSites:
        """Return what the file of vmlinux or of a module says."""
        image = self.captures.image
        return compiled_sites(image.modules / f"{module}.ko" if module else image.vmlinux)

    def address(self, name: str) -> int:
        """Return where the site of a function is."""
        module = MODULES[name]
        offset = self.compiled(module).offset(name)
        assert offset is not None
        return self.kallsyms(name, module) + offset


MODULES = {"int_to_scsilun": "scsi_common", "cmdline_proc_show": None, "meminfo_proc_show": None}


@functools.cache
def _document(*words: str | Path) -> Any:
    """Run the command once for all tests of a capture."""
    return klp_debug_json("site", *words)


@pytest.fixture(params=CASES, ids=lambda case: "-".join(case))
def subject(request: pytest.FixtureRequest, captured: Captured) -> Subject:
    kernel, mmu = request.param
    return Subject(captured("patched", mmu, kernel))


out_of_line_only = pytest.mark.parametrize(
    "subject", OUT_OF_LINE, indirect=True, ids=lambda case: "-".join(case)
)


def number(text: str) -> int:
    return int(text, 16)


@pytest.mark.parametrize("name", MODULES)
def test_where_it_is(subject: Subject, name: str) -> None:
    document = subject.site(name)
    module = MODULES[name]
    assert document["findings"] == document["problems"] == []
    assert (document["function"], document["module"]) == (name, module)
    assert number(document["site"]["address"]) == subject.address(name)
    assert document["site"]["offset"] == subject.compiled(module).offset(name)
    assert document["record"]["ip"] == document["site"]["address"]
    assert document["record"]["agrees"] is True
    assert all(hop["ok"] for hop in document["path"])


@pytest.mark.parametrize("name", ARMED)
def test_record_is_as_tracefs_shows_it(subject: Subject, name: str) -> None:
    (line,) = (one for one in subject.captures.oracle.enabled_functions if one.name == name)
    record = subject.site(name)["record"]
    assert record["users"] == line.count
    assert "ENABLED" in record["flags"]
    assert {letter for letter, flag in LETTERS.items() if flag in record["flags"]} == set(
        line.flags
    )


@pytest.mark.parametrize("name", ARMED)
def test_armed_word_and_the_way_from_it(subject: Subject, name: str) -> None:
    document = subject.site(name)
    site, path = document["site"], {hop["kind"]: hop for hop in document["path"]}
    ftrace_caller = subject.kallsyms("ftrace_caller")
    assert site["state"] == "armed"
    assert number(path["trampoline"]["address"]) == ftrace_caller
    out_of_line = document["record"]["ool_stub"] is not None
    assert out_of_line is (subject.captures.kernel in [kernel for kernel, _ in OUT_OF_LINE])
    # An out-of-line site is armed by a b, all others by a bl.
    link = 0 if out_of_line else 1
    distance = number(site["target"]) - number(site["address"])
    assert number(site["word"]) == 0x48000000 | (distance & 0x03FFFFFC) | link
    # Only a module is too far from ftrace_caller.
    stubs = [(stub["owner"], number(stub["target"])) for stub in document["stubs"]]
    assert stubs == ([(MODULES[name], ftrace_caller)] if MODULES[name] else [])
    kinds = ["site", "ool-stub", "stub", "trampoline", "dispatch"]
    wanted = {"ool-stub": out_of_line, "stub": bool(stubs)}
    assert [hop["kind"] for hop in document["path"]] == [k for k in kinds if wanted.get(k, True)]
    if not out_of_line and not stubs:
        assert number(site["target"]) == ftrace_caller


def test_module_stub_is_the_modules(subject: Subject) -> None:
    (stub,) = subject.site("int_to_scsilun")["stubs"]
    (module,) = (m for m in subject.captures.oracle.modules if m.name == "scsi_common")
    assert module.address <= number(stub["address"]) < module.address + module.size
    assert number(stub["funcdata"]) == subject.kallsyms("ftrace_caller")
    assert stub["magic"] == STUB_MAGIC
    assert stub["disagreement"] is None


@pytest.mark.parametrize("name", ARMED)
def test_ops_that_want_it(subject: Subject, name: str) -> None:
    document = subject.site(name)
    (ops,) = document["ops"]
    assert (ops["user"], ops["patch"]) == ("livepatch", ARMED[name])
    assert number(ops["func"]) == subject.kallsyms("klp_ftrace_handler")
    dispatch = document["path"][-1]
    if "CALL_OPS" in document["record"]["flags"]:
        # The site's own pointer, a doubleword before the stub's first word (struct
        # ftrace_ool_stub), leads to the very ops.
        assert number(dispatch["address"]) == number(document["record"]["ool_stub"]) - 8
        assert ops["address"] == dispatch["next"] == f"0x{dispatch['bytes']}"
    else:
        assert number(dispatch["address"]) == subject.kallsyms("ftrace_call")
        called = number(dispatch["next"]) - subject.kallsyms("arch_ftrace_ops_list_func")
        assert called in (0, 8)  # its local entry point: it may set its TOC before


def test_idle_site(subject: Subject) -> None:
    name = "meminfo_proc_show"
    assert name not in {line.name for line in subject.captures.oracle.enabled_functions}
    document = subject.site(name)
    assert document["site"]["state"] == "idle"
    assert document["site"]["word"] == "0x60000000"  # nop
    assert document["record"]["users"] == 0
    assert "ENABLED" not in document["record"]["flags"]
    assert document["ops"] == document["stubs"] == []
    assert [hop["kind"] for hop in document["path"]] == ["site"]


@pytest.mark.parametrize("name", ["int_to_scsilun", "meminfo_proc_show"])
def test_text(subject: Subject, name: str) -> None:
    ran = klp_debug_run("site", name, *subject.target)
    assert (ran.status, ran.err) == (0, "")
    offset = subject.compiled(MODULES[name]).offset(name)
    where = f"{name}+{offset:#x}" if offset else name
    module = f" [{MODULES[name]}]" if MODULES[name] else ""
    assert ran.out.startswith(f"Linux {subject.captures.oracle.release} ppc64le, ")
    assert f"\n{where}{module}  {subject.address(name):016x}\n" in ran.out
    assert "no finding" in ran.out
    if name in ARMED:
        assert f"livepatch: {ARMED[name]}" in ran.out
        assert f"{subject.kallsyms('ftrace_caller'):016x}  ftrace_caller" in ran.out
    else:
        assert "no ftrace_ops wants this site" in ran.out


def test_by_address(subject: Subject) -> None:
    by_name = subject.site("cmdline_proc_show")
    assert subject.site(f"{subject.address('cmdline_proc_show'):#x}") == by_name


@out_of_line_only
def test_by_an_address_in_its_out_of_line_stub(subject: Subject) -> None:
    by_name = subject.site("int_to_scsilun")
    stub = number(by_name["record"]["ool_stub"])
    assert subject.site(f"{stub + 4:#x}") == by_name


@out_of_line_only
@pytest.mark.parametrize("name", MODULES)
def test_where_its_out_of_line_stub_is(subject: Subject, name: str) -> None:
    oracle, module = subject.captures.oracle, MODULES[name]
    stub = number(subject.site(name)["record"]["ool_stub"])
    if module is not None:
        (loaded,) = (one for one in oracle.modules if one.name == module)
        code = [s.address for s in oracle.kallsyms if s.module == module and s.type in "tT"]
        assert max(code) < stub < loaded.address + loaded.size
    else:
        before = max(s.address for s in oracle.kallsyms if s.address <= stub)
        names = {s.name for s in oracle.kallsyms if s.address == before}
        assert names & {"ftrace_ool_stub_text", "ftrace_ool_stub_text_end"}
