# SPDX-License-Identifier: GPL-2.0-or-later
"""Where stubs lead by their instructions, and what they say of themselves that is not so."""

import pytest
from drgn import FaultError

from klp_debug.analysis.chain.stubs import Stubs
from klp_debug.ppc64le.replay import LoadError
from klp_debug.ppc64le.stub import STUB_MAGIC, StubKind
from tests.support.fake_view import FakeKernel
from tests.support.instructions import b, r2_stub
from tests.support.kernel_structs import (
    BUILDS,
    LINUX_4_12,
    MPROFILE,
    OUT_OF_LINE,
    SINCE_4_18,
    Build,
)
from tests.support.sure import sure, unread

every_build = pytest.mark.parametrize("build", BUILDS)
since_4_18 = pytest.mark.parametrize("build", SINCE_4_18)
FREE_TEXT = 0xC000000000280000


def made(build: Build = MPROFILE) -> FakeKernel:
    kernel = FakeKernel(build)
    kernel.function("f")
    kernel.module("scsi_common")
    return kernel


@since_4_18
def test_the_trampolines(build: Build) -> None:
    kernel = made(build)
    assert Stubs(kernel.view()).trampolines == {
        kernel.address(name): name for name in ("ftrace_caller", "ftrace_regs_caller")
    }


def test_the_one_of_old() -> None:
    kernel = made(LINUX_4_12)
    stubs = Stubs(kernel.view())
    assert stubs.trampolines == {kernel.address("ftrace_caller"): "ftrace_caller"}
    assert stubs.regs_caller == "ftrace_caller"


@since_4_18
@pytest.mark.parametrize("member", ["tramp", "tramp_regs"])
def test_a_modules_way_to_a_trampoline(build: Build, member: str) -> None:
    kernel = made(build)
    module = kernel.module("scsi_common")
    address = {"tramp": module.tramp, "tramp_regs": module.tramp_regs}[member]
    stub = Stubs(kernel.view()).follow(address)
    name = {"tramp": "ftrace_caller", "tramp_regs": "ftrace_regs_caller"}[member]
    assert stub.target == stub.funcdata == kernel.address(name)
    assert (stub.owner, stub.member, stub.magic) == ("scsi_common", member, STUB_MAGIC)
    assert stub.stub.kind is (StubKind.PCREL_KERNEL_BASE if build.pcrel else StubKind.KERNEL_TOC)
    assert stub.disagreement is None
    assert len(stub.words) == (6 if build.pcrel else 5)


@every_build
def test_an_ordinary_stub(build: Build) -> None:
    kernel = made(build)
    module, target = kernel.module("scsi_common"), kernel.functions["f"].address
    stub = Stubs(kernel.view()).follow(module.stub(target))
    assert (stub.target, stub.owner, stub.member) == (target, "scsi_common", None)
    assert stub.stub.kind is (StubKind.PCREL if build.pcrel else StubKind.R2_RELATIVE)
    assert stub.toc == module.toc
    assert stub.disagreement is None


def test_all_of_all_modules() -> None:
    kernel = made()
    first, second = kernel.module("scsi_common"), kernel.module("other")
    ordinary = second.stub(kernel.functions["f"].address)
    found = [stub.stub.address for stub in Stubs(kernel.view()).of_modules()]
    assert found == [first.tramp, first.tramp_regs, second.tramp, second.tramp_regs, ordinary]


def test_which_are_a_modules() -> None:
    kernel = made()
    stubs = Stubs(kernel.view())
    module = kernel.module("scsi_common")
    found = stubs.of_module_at(module.tramp)
    assert found is stubs.follow(module.tramp)
    assert stubs.of_module_at(module.tramp + 4) is None
    assert stubs.of_module_at(kernel.functions["f"].address) is None


def test_what_is_no_modules() -> None:
    kernel = made()
    kernel.memory.write(FREE_TEXT, bytes(0x1000))
    kernel.put_words(FREE_TEXT, b(FREE_TEXT, kernel.functions["f"].address))
    stub = Stubs(kernel.view()).follow(FREE_TEXT)
    assert (stub.target, stub.owner, stub.magic) == (kernel.functions["f"].address, None, None)
    assert stub.stub.kind is StubKind.LONG_BRANCH
    assert stub.disagreement is None


def test_words_that_are_no_stub() -> None:
    kernel = made()
    stub = Stubs(kernel.view()).follow(kernel.functions["f"].address + 0x30)
    assert (stub.target, stub.stub.kind, len(stub.words)) == (None, StubKind.UNKNOWN, 1)


def test_a_magic_that_is_none() -> None:
    kernel = made()
    module = kernel.module("scsi_common")
    kernel.put_words(module.tramp + 28, 0x1234)
    stub = Stubs(kernel.view()).follow(module.tramp)
    assert stub.disagreement == "its magic is 0x1234, not 0x73747562"


def test_the_funcdata_of_another_function() -> None:
    kernel = made()
    module = kernel.module("scsi_common")
    kernel.put_u64(module.tramp + 32, 0x5678)
    stub = Stubs(kernel.view()).follow(module.tramp)
    assert stub.disagreement == "its funcdata says 0x5678"


@pytest.mark.parametrize("build", [MPROFILE, OUT_OF_LINE])
def test_the_toc_of_another_module(build: Build) -> None:
    kernel = made(build)
    module, target = kernel.module("scsi_common"), kernel.functions["f"].address
    at = module.stub(target)
    module.put_stub(at, r2_stub(at, module.toc - 0x8000), target)
    stub = Stubs(kernel.view()).follow(at)
    assert stub.disagreement == (
        f"it wants r2 = {module.toc - 0x8000:#x}, its module's TOC is {module.toc:#x}"
    )


# what cannot be read


def test_one_that_cannot_be_read() -> None:
    with pytest.raises(FaultError):
        Stubs(made().view()).follow(FREE_TEXT)


def test_the_sections_of_a_module_cost_no_other() -> None:
    kernel = made()
    kernel.module("other")
    kernel.module("scsi_common").sections.lose()
    view = kernel.view()
    stubs = Stubs(view)
    assert {stub.owner for stub in stubs.of_modules()} == {"other"}
    at = kernel.module("scsi_common").struct.address
    where = f"stubs of module at {at:#x}"
    assert [p.where for p in view.problems.all()] == [where]
    missing = unread(stubs.missing)
    assert missing.reason.startswith(f"{where}: not in the dump")
    assert stubs.of_modules().missing == missing
    # Of what is no known stub, only that which has a symbol is surely none.
    assert stubs.of_module_at(kernel.module("scsi_common").tramp) == missing
    assert stubs.of_module_at(kernel.functions["f"].address) is None
    assert sure(stubs.of_module_at(kernel.module("other").tramp)).owner == "other"


def test_a_stub_whose_module_is_not_known() -> None:
    kernel = made()
    module = kernel.module("scsi_common")
    ordinary = module.stub(kernel.functions["f"].address)
    module.sections.lose()
    stubs = Stubs(kernel.view())
    tramp = stubs.follow(module.tramp)
    assert tramp.owner == tramp.toc == tramp.disagreement == unread(stubs.missing)
    # It needs no TOC of the module's, so that where it leads is known.
    assert tramp.target == kernel.address("ftrace_caller")
    assert stubs.follow(ordinary).target == stubs.missing
    # What has a symbol of vmlinux is no stub of a module.
    assert stubs.follow(kernel.address("ftrace_caller")).owner is None


def test_a_list_of_modules_that_breaks_off() -> None:
    kernel = made()
    kernel.module("other").struct.lose()
    view = kernel.view()
    stubs = Stubs(view)
    assert stubs.missing == unread(view.modules.missing)
    assert {stub.owner for stub in stubs.of_modules()} == {"scsi_common"}


def test_a_kernel_toc_that_cannot_be_read_leaves_the_target_open() -> None:
    kernel = made()
    kernel.paca.lose()
    view = kernel.view()
    stub = Stubs(view).follow(kernel.module("scsi_common").tramp)
    why = unread(stub.target)
    assert why.reason.startswith("paca_ptrs[0]->kernel_toc: not in the dump")
    assert stub.disagreement == why
    assert "paca_ptrs[0]->kernel_toc" in [p.where for p in view.problems.all()]


def test_what_a_replay_loads() -> None:
    kernel = made()
    stubs = Stubs(kernel.view())
    assert stubs.load(kernel.module("scsi_common").tramp + 32) == kernel.address("ftrace_caller")
    with pytest.raises(LoadError, match="not in the dump"):
        stubs.load(FREE_TEXT)
