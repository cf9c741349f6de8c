# SPDX-License-Identifier: GPL-2.0-or-later
"""Each page of a kernel taken away in turn: the audit states nothing that it has not read."""

import functools
from collections.abc import Callable, Iterator

import pytest

from klp_debug.analysis.audit.audit import audit
from klp_debug.analysis.audit.entry_points import entry_findings
from klp_debug.analysis.audit.modules_gone import gone_findings
from klp_debug.analysis.audit.relocations import relocation_findings
from klp_debug.analysis.audit.site import report_site
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.symbols import SymbolTable
from klp_debug.result.site import SiteReport
from tests.support.fake_klp_relocation import klp_relocation
from tests.support.fake_view import FakeKernel
from tests.support.findings import not_checked, told
from tests.support.honest import false_statements
from tests.support.instructions import NOP, TRAP, r2_stub
from tests.support.kernel_structs import BUILDS, MPROFILE, OUT_OF_LINE, Build


@pytest.fixture(autouse=True)
def symbols_of_vmlinux_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read them once for each kernel: they are a file's, whatever its memory lacks."""
    once = functools.lru_cache(maxsize=2)(SymbolTable.of_vmlinux)
    monkeypatch.setattr(SymbolTable, "of_vmlinux", once)


def sound(build: Build) -> FakeKernel:
    """Return a kernel with patches, a tracer and a kprobe on functions of vmlinux and a module."""
    kernel = FakeKernel(build)
    kernel.variable("__vmalloc_start", "unsigned long", 0xC008000000000000)
    kernel.variable("__vmalloc_end", "unsigned long", 0xC00A000000000000)
    kernel.function("idle")
    patched, both = kernel.function("patched"), kernel.function("both", "scsi_common", leaf=True)
    first = kernel.patch("first", patched, both)
    kernel.patch("second", both)
    kernel.ops("function_trace_call", both, name="global_ops")
    kernel.ops("kprobe_ftrace_handler", kernel.function("probed"), flags=("ENABLED", "SAVE_REGS"))
    kernel.module("scsi_common").stub(kernel.functions["idle"].address)
    klp_relocation(kernel, first, "scsi_common")
    return kernel


def altered(build: Build) -> FakeKernel:
    """Return such a kernel in which one function is held, and sites, records and stubs altered."""
    kernel = sound(build)
    kernel.functions["patched"].site_word = NOP
    kernel.functions["idle"].site_word = TRAP
    kernel.functions["probed"].site_word = NOP
    kernel.functions["both"].record["flags"] += 1
    kernel.registered[0].struct["func"] += 4
    kernel.put_words(kernel.module("second").tramp + 28, 0)
    module = kernel.module("scsi_common")
    if not build.pcrel:
        target = kernel.address("ftrace_caller")
        module.put_stub(module.tramp, r2_stub(module.tramp, module.toc), target)
    return kernel


def held(build: Build) -> FakeKernel:
    """Return such a kernel in which functions are held by their ops and their klp_func."""
    kernel = sound(build)
    kernel.stacks["patched"].ops.struct["func"] = kernel.functions["ftrace_stub"].address
    first, second = kernel.patches
    second.funcs["both"]["new_func"] = first.replacements["both"].address
    return kernel


def unloaded(build: Build) -> FakeKernel:
    """Return such a kernel without two of its modules, and with a replacement entered behind it."""
    kernel = sound(build)
    first = kernel.patches[0]
    first.funcs["patched"]["new_func"] = first.replacements["patched"].address + 4
    kernel.unload("scsi_common")
    kernel.unload("second")
    name = int.from_bytes(b"second", "little")
    kernel.variable("last_unloaded_module", "struct module_name", name)
    return kernel


every_kernel = pytest.mark.parametrize("make", [sound, altered, held, unloaded])
Make = Callable[[Build], FakeKernel]


def without_each_page(kernel: FakeKernel) -> Iterator[tuple[str, KernelView]]:
    """Iterate over views of a kernel without one of its pages; the page is gone for that long."""
    target = kernel.target()
    for page in kernel.memory.pages:
        with kernel.memory.without(page):
            yield f"without {page:#x}", KernelView(target)


@pytest.mark.parametrize(
    ("make", "build"),
    [
        *((sound, build) for build in BUILDS),
        # What is wrong with a site depends on where its call is, and on no more.
        *((make, build) for make in (altered, held, unloaded) for build in (MPROFILE, OUT_OF_LINE)),
    ],
)
def test_audit(build: Build, make: Make) -> None:
    kernel = make(build)
    whole = audit(kernel.view(), list_sites=True)
    changed = 0
    for case, view in without_each_page(kernel):
        partial = audit(view, list_sites=True)
        assert list(false_statements(whole, partial)) == [], case
        if partial != whole:
            changed += 1
            assert not partial.clean
            assert partial.problems
            all_told = len(told(partial.findings)) == len(told(whole.findings))
            assert not_checked(partial.findings) or all_told
    assert changed > len(kernel.functions)


# Of vmlinux and of a module, in line and out of line; dumps of guests have the other two pairs.
@pytest.mark.parametrize(("name", "build"), [("patched", MPROFILE), ("both", OUT_OF_LINE)])
@every_kernel
def test_site(build: Build, make: Make, name: str) -> None:
    kernel = make(build)
    ip = kernel.functions[name].site

    def reported(view: KernelView) -> SiteReport | None:
        """Return the report; None if its record cannot be read."""
        ips = view.records.ips.tolist()
        return report_site(view, ips.index(ip)) if ip in ips else None

    whole = reported(kernel.view())
    for case, view in without_each_page(kernel):
        partial = reported(view)
        if partial is not None and partial != whole:
            assert list(false_statements(whole, partial)) == [], case
            assert not partial.clean


@every_kernel
def test_findings_of_patches(make: Make) -> None:
    kernel = make(MPROFILE)

    def judged(view: KernelView) -> tuple[object, ...]:
        return tuple(
            finding
            for findings in (entry_findings, gone_findings, relocation_findings)
            for finding in findings(view)
        )

    whole = judged(kernel.view())
    for case, view in without_each_page(kernel):
        partial = judged(view)
        assert list(false_statements(whole, partial)) == [], case
        assert partial == whole or view.problems.all()
