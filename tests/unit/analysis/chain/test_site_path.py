# SPDX-License-Identifier: GPL-2.0-or-later
"""The way from a site into ftrace, link by link, and where it goes wrong."""

import pytest

from klp_debug.analysis.chain.site_path import PatchedSite, SitePath, follow_site
from klp_debug.analysis.chain.stubs import Stubs
from klp_debug.result.func import Hop
from tests.support.fake_ftrace import FakeFunction
from tests.support.fake_kernel import Struct
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP, TRAP, b, bl, r2_stub
from tests.support.kernel_structs import BUILDS, MPROFILE, OUT_OF_LINE, Build
from tests.support.sure import sure, unread

every_build = pytest.mark.parametrize("build", BUILDS)


def made(build: Build = MPROFILE) -> FakeKernel:
    """Return a kernel with a patched leaf in a module, and one in vmlinux."""
    kernel = FakeKernel(build)
    leaf = kernel.function("leaf", "scsi_common", leaf=True)
    kernel.patch("first", leaf, kernel.function("near"))
    return kernel


def followed(kernel: FakeKernel, name: str = "leaf") -> SitePath:
    view = kernel.view()
    (symbol,) = view.symbols.named(name)
    entry = view.entry_of(symbol)
    site = sure(view.site_of(symbol, entry))
    patched = None
    if name in kernel.stacks:
        ops = kernel.stacks[name].ops.struct.object
        patched = PatchedSite(ops, kernel.handler.address)
    leaf = not (kernel.functions[name].toc_setup or kernel.build.pcrel)
    record = sure(view.record_of(symbol))
    return follow_site(view, Stubs(view), site, record, leaf=leaf, patched=patched)


def wrong(path: SitePath) -> Hop:
    """Return the one link that is not as it must be."""
    (hop,) = (hop for hop in path.hops if hop.ok is False)
    return hop


@every_build
@pytest.mark.parametrize("name", ["leaf", "near"])
def test_each_link_leads_to_the_next(build: Build, name: str) -> None:
    kernel = made(build)
    path = followed(kernel, name)
    ool = ["ool-stub"] if build.out_of_line else []
    stub = ["stub"] if name == "leaf" else []
    assert [hop.kind for hop in path.hops] == ["site", *ool, *stub, "trampoline", "dispatch"]
    assert all(hop.ok is True for hop in path.hops)
    for hop, following in zip(path.hops, path.hops[1:], strict=False):
        assert hop.next == following.address
    assert path.stopped is None
    assert len(path.stubs) == len(stub)
    last = kernel.stacks[name].ops.address
    dispatcher = kernel.functions["arch_ftrace_ops_list_func"].local_entry
    assert path.hops[-1].next == (last if build.out_of_line else dispatcher)


def test_an_idle_site_calls_nothing() -> None:
    kernel = FakeKernel()
    kernel.function("f")
    (hop,) = followed(kernel, "f").hops
    assert (hop.kind, hop.what, hop.ok, hop.next) == ("site", "idle: calls nothing", True, None)


@every_build
@pytest.mark.parametrize(
    ("word", "what"), [(NOP, "idle: calls nothing"), (TRAP, "neither nop nor branch")]
)
def test_a_patched_site_that_nothing_leaves(build: Build, word: int, what: str) -> None:
    kernel = made(build)
    kernel.functions["leaf"].site_word = word
    path = followed(kernel)
    assert wrong(path).what == what
    assert len(path.hops) == 1


# stubs


@pytest.mark.parametrize("build", [MPROFILE, OUT_OF_LINE])
def test_a_stub_through_r2_on_a_leaf(build: Build) -> None:
    kernel = made(build)
    module = kernel.module("scsi_common")
    words = r2_stub(module.tramp, module.toc)
    module.put_stub(module.tramp, words, kernel.address("ftrace_caller"))
    hop = wrong(followed(kernel))
    assert hop.kind == "stub"
    assert hop.what.endswith("finds its target through r2, which here is still the caller's")


def test_a_stub_whose_target_cannot_be_told() -> None:
    kernel = made()
    kernel.put_words(kernel.module("scsi_common").tramp, TRAP)
    hop = wrong(followed(kernel))
    assert hop.kind == "stub"
    assert "its target cannot be told (unknown)" in hop.what


def test_a_stub_that_says_otherwise_beside_it() -> None:
    kernel = made()
    kernel.put_u64(kernel.module("scsi_common").tramp + 32, 0x5678)
    hop = wrong(followed(kernel))
    assert hop.what.startswith("scsi_common's ftrace stub (mod->arch.tramp); ")
    assert hop.what.endswith("; its funcdata says 0x5678")


# out of line


def test_a_branch_to_the_stub_of_another_site() -> None:
    kernel = made(OUT_OF_LINE)
    function, other = kernel.functions["near"], kernel.function("other")
    function.site_word = b(function.site, other.ool_stub)
    hop = wrong(followed(kernel, "near"))
    assert hop.kind == "ool-stub"
    assert f"out-of-line stub of another site, {other.site:#x}" in hop.what


def test_words_that_are_no_out_of_line_stub() -> None:
    kernel = made(OUT_OF_LINE)
    kernel.put_words(kernel.functions["near"].ool_stub, TRAP)
    hop = wrong(followed(kernel, "near"))
    assert hop.what.startswith("no out-of-line stub: ")


@pytest.mark.parametrize(
    ("pointed", "what", "ok"),
    [
        ("listed", "ftrace_list_ops: calls every ops on ftrace_ops_list", True),
        ("other", "the only ops: calls function_trace_call", False),
    ],
)
def test_whom_a_site_with_an_ops_of_its_own_calls(pointed: str, what: str, ok: bool) -> None:
    kernel = made(OUT_OF_LINE)
    other = kernel.ops("function_trace_call", kernel.function("g"))
    place = {"listed": kernel.address("ftrace_list_ops"), "other": other.address}[pointed]
    kernel.put_u64(kernel.functions["near"].ool_stub - 8, place)
    hop = followed(kernel, "near").hops[-1]
    assert (hop.kind, hop.what, hop.ok) == ("dispatch", what, ok)


# dispatchers


def redirect(kernel: FakeKernel, target: int) -> None:
    at = kernel.address("ftrace_call")
    kernel.put_words(at, bl(at, target))


def test_a_trampoline_that_calls_the_handler_directly() -> None:
    kernel = made()
    redirect(kernel, kernel.handler.address)
    hop = followed(kernel, "near").hops[-1]
    assert (hop.what, hop.ok) == ("calls klp_ftrace_handler directly: the only ops", True)


def test_a_trampoline_that_calls_something_else() -> None:
    kernel = made()
    redirect(kernel, kernel.functions["function_trace_call"].address)
    assert wrong(followed(kernel, "near")).what == "calls function_trace_call"


# direct calls


def test_a_direct_call() -> None:
    kernel = FakeKernel(OUT_OF_LINE)
    function, target = kernel.function("f"), kernel.function("bpf_prog", traced=False)
    kernel.ops("call_direct_funcs", function, flags=("ENABLED", "DIRECT"))
    function.call(target.address)
    point_direct_functions(kernel, function, target.address)
    path = followed(kernel, "f")
    assert [hop.kind for hop in path.hops] == ["site", "ool-stub", "direct"]
    assert all(hop.ok is True for hop in path.hops)


def point_direct_functions(kernel: FakeKernel, function: FakeFunction, target: int) -> None:
    hash_ = kernel.hash(function.site)
    entry = Struct(kernel, "ftrace_func_entry", kernel.prog_u64(hash_["buckets"]))
    entry["direct"] = target
    kernel.variable("direct_functions", "struct ftrace_hash *", hash_.address)


# what cannot be read


@every_build
def test_a_stub_that_cannot_be_read_ends_the_way(build: Build) -> None:
    kernel = made(build)
    kernel.module("scsi_common").lose_stubs()
    path = followed(kernel)
    assert [hop.kind for hop in path.hops][-1] in ("site", "ool-stub")
    assert "not in the dump" in unread(path.stopped).reason


def test_a_trampoline_that_cannot_be_read_ends_the_way() -> None:
    kernel = made()
    kernel.memory.lose(kernel.address("ftrace_caller"))
    path = followed(kernel)
    assert [hop.kind for hop in path.hops] == ["site", "stub"]
    assert "not in the dump" in unread(path.stopped).reason
    assert len(path.stubs) == 1


def test_an_out_of_line_stub_that_cannot_be_read_ends_the_way() -> None:
    kernel = made(OUT_OF_LINE)
    kernel.memory.lose(kernel.functions["near"].ool_stub)
    path = followed(kernel, "near")
    assert [hop.kind for hop in path.hops] == ["site"]
    unread(path.stopped)


def test_a_stub_whose_target_hangs_on_what_cannot_be_read() -> None:
    kernel = made()
    kernel.paca.lose()
    path = followed(kernel)
    stub = path.hops[-1]
    why = unread(path.stopped)
    assert why.reason.startswith("paca_ptrs[0]->kernel_toc: not in the dump")
    assert (stub.kind, stub.ok, stub.next) == ("stub", why, why)
    assert stub.what.endswith("; where it leads is unknown")


def test_a_stub_of_a_module_that_cannot_be_read() -> None:
    kernel = made()
    kernel.module("scsi_common").sections.lose()
    path = followed(kernel)
    stub = next(hop for hop in path.hops if hop.kind == "stub")
    unread(stub.ok)
    assert stub.what == (
        "a stub of an unknown module's; target from the paca's kernel TOC, needs no r2; whether"
        " magic and funcdata agree is unknown"
    )
    assert path.hops[-1].kind == "dispatch"
    assert path.stopped is None


def test_a_way_astray_to_where_nothing_can_be_read() -> None:
    kernel = made()
    nowhere = kernel.address("_etext") + 0x1000
    kernel.functions["near"].call(nowhere)
    kernel.memory.write(nowhere, bytes(4))
    kernel.put_words(nowhere, b(nowhere, kernel.address("_etext") - 0x1000))
    path = followed(kernel, "near")
    astray = path.hops[-1]
    assert (astray.kind, astray.ok) == ("trampoline", False)
    assert astray.what == "neither ftrace_caller nor ftrace_regs_caller"
    assert unread(astray.bytes).reason.startswith(f"text at {astray.address}: not in the dump")


def test_direct_functions_that_cannot_be_read_end_the_way() -> None:
    kernel = FakeKernel(OUT_OF_LINE)
    function, target = kernel.function("f"), kernel.function("bpf_prog", traced=False)
    kernel.ops("call_direct_funcs", function, flags=("ENABLED", "DIRECT"))
    function.call(target.address)
    kernel.variable("direct_functions", "struct ftrace_hash *", 0xC000000009000000)
    path = followed(kernel, "f")
    assert [hop.kind for hop in path.hops] == ["site", "ool-stub"]
    unread(path.stopped)
