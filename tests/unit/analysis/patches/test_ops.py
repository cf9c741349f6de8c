# SPDX-License-Identifier: GPL-2.0-or-later
"""Every ftrace_ops: who it is, and which sites it is called from (``ftrace_ops_test()``)."""

import pytest

from klp_debug.analysis.patches.ops import registered_ops, registered_ops_at
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.unknown import AtLeast, Unknown
from tests.support.fake_ftrace import FakeFunction
from tests.support.fake_kernel import Struct
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import BUILDS, OUT_OF_LINE, Build
from tests.support.sure import sure, unread, whole

every_build = pytest.mark.parametrize("build", BUILDS)


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel()


@every_build
def test_in_the_order_in_which_they_are_called(build: Build) -> None:
    kernel = FakeKernel(build)
    function = kernel.function("f", "scsi_common")
    traced = kernel.ops("function_trace_call", everything=True, name="global_ops")
    kernel.patch("first", function)
    kernel.patch("second", function)
    view = kernel.view()
    livepatch, tracer = whole(registered_ops(view))
    assert view.problems.all() == ()
    assert (livepatch.address, livepatch.symbol) == (kernel.stacks["f"].ops.address, None)
    assert (livepatch.user, livepatch.patch) == ("livepatch", "second")
    assert livepatch.func_symbol == "klp_ftrace_handler"
    permanent = set() if build.linux_4_12 else {"PERMANENT"}
    assert set(livepatch.flags) == {"ENABLED", "DYNAMIC", "INITIALIZED", "IPMODIFY"} | permanent
    assert (livepatch.hooks, livepatch.hooked) == (1, ("f [scsi_common]",))
    assert (livepatch.filter.count, livepatch.filter.functions) == (1, ("f [scsi_common]",))
    assert (tracer.address, tracer.symbol) == (traced.address, "global_ops")
    assert (tracer.user, tracer.patch) == ("function tracer", None)
    assert (tracer.all_functions, tracer.hooked, tracer.hooks) == (True, None, 1)


def test_what_it_must_not_be_called_from(kernel: FakeKernel) -> None:
    first, second = kernel.function("first"), kernel.function("second")
    ops = kernel.ops("function_trace_call", everything=True)
    ops.struct["local_hash.notrace_hash"] = kernel.hash(second.site)
    (found,) = whole(registered_ops(kernel.view()))
    assert found.hooks == 1
    assert found.notrace.functions == ("second",)
    view = kernel.view()
    assert [len(registered_ops_at(view, each.site)) for each in (first, second)] == [1, 0]


def test_one_that_is_not_enabled_is_called_from_nowhere(kernel: FakeKernel) -> None:
    function = kernel.function("f")
    kernel.ops("function_trace_call", function, flags=("INITIALIZED",))
    view = kernel.view()
    (found,) = whole(registered_ops(view))
    assert (found.hooks, found.hooked) == (0, ())
    assert registered_ops_at(view, function.site) == ()


def test_a_site_of_a_module_that_is_going(kernel: FakeKernel) -> None:
    function = kernel.function("f", "scsi_common")
    kernel.ops("function_trace_call", function)
    function.has_flags("DISABLED", count=0)
    (found,) = whole(registered_ops(kernel.view()))
    assert found.hooks == 0


def test_a_callback_that_is_not_known(kernel: FakeKernel) -> None:
    kernel.ops("my_callback", kernel.function("f"))
    (found,) = whole(registered_ops(kernel.view()))
    assert (found.user, found.func_symbol) == (None, "my_callback")


def test_a_filter_with_an_address_in_no_function(kernel: FakeKernel) -> None:
    ops = kernel.ops("function_trace_call", kernel.function("f"))
    ops.struct["local_hash.filter_hash"] = kernel.hash(0xC00900000000F000)
    (found,) = whole(registered_ops(kernel.view()))
    assert found.filter.functions == ("0xc00900000000f000",)
    assert found.hooks == 0


def test_the_ops_at_one_site(kernel: FakeKernel) -> None:
    function, other = kernel.function("f"), kernel.function("g")
    kernel.ops("kprobe_ftrace_handler", other)
    kernel.ops("function_trace_call", function, name="global_ops")
    kernel.patch("first", function)
    view = kernel.view()
    livepatch, tracer = whole(registered_ops_at(view, function.site))
    assert (livepatch.user, livepatch.patch) == ("livepatch", "first")
    assert (tracer.user, tracer.symbol, tracer.patch) == ("function tracer", "global_ops", None)
    assert tracer.func == kernel.functions["function_trace_call"].address
    assert [ops.user for ops in whole(registered_ops_at(view, other.site))] == ["kprobes"]


# since Linux 6.12 and 6.13


def graph_tracer(kernel: FakeKernel, function: FakeFunction) -> Struct:
    """Let an ops manage one of the function graph tracer's; return that."""
    manager = kernel.ops("ftrace_graph_func", function)
    fgraph = kernel.new("fgraph_ops", entryfunc=kernel.function("trace_graph_entry").address)
    managed = fgraph.member("ops", "ftrace_ops")
    managed["func_hash"] = managed.at("local_hash")
    managed["local_hash.filter_hash"] = kernel.hash(function.site)
    kernel.link(manager.struct.at("subop_list"), managed.at("list"))
    return managed


def test_one_that_another_manages() -> None:
    kernel = FakeKernel(OUT_OF_LINE)
    managed = graph_tracer(kernel, kernel.function("f"))
    manager, found = whole(registered_ops(kernel.view()))
    assert (manager.user, manager.managed_by) == ("function graph tracer", None)
    assert (found.address, found.managed_by) == (managed.address, manager.address)
    # What the tracer calls for it is not the ops' own func.
    assert (found.func_symbol, found.user) == ("trace_graph_entry", "function graph tracer")


def direct(kernel: FakeKernel, function: FakeFunction, target: int) -> Struct:
    """Let a function's site call something of its own."""
    ops = kernel.ops(
        "call_direct_funcs", function, flags=("ENABLED", "INITIALIZED", "DIRECT", "SAVE_REGS")
    )
    hash_ = kernel.hash(function.site)
    for bucket in (0, 8):
        entry = kernel.prog_u64(hash_["buckets"] + bucket)
        if entry:
            Struct(kernel, "ftrace_func_entry", entry)["direct"] = target
    kernel.variable("direct_functions", "struct ftrace_hash *", hash_.address)
    return ops.struct


def test_direct_calls() -> None:
    kernel = FakeKernel(OUT_OF_LINE)
    function, target = kernel.function("f"), kernel.function("bpf_prog", traced=False)
    direct(kernel, function, target.address)
    (found,) = whole(registered_ops(kernel.view()))
    assert found.user == "direct calls"
    (call,) = whole(found.direct_calls)
    assert (call.function, call.target, call.target_symbol) == ("f", target.address, "bpf_prog")


def test_direct_calls_of_bpf() -> None:
    kernel = FakeKernel(OUT_OF_LINE)
    owner = kernel.function("bpf_tramp_ftrace_ops_func", traced=False)
    direct(kernel, kernel.function("f"), owner.address)["ops_func"] = owner.address
    (found,) = whole(registered_ops(kernel.view()))
    assert found.user == "BPF"


# what cannot be read


def both(view: KernelView, function: FakeFunction) -> list[list[int | Unknown]]:
    """Return where the ops are: all, and those that want the function's site."""
    answers = registered_ops(view), registered_ops_at(view, function.site)
    return [
        [ops if isinstance(ops, Unknown) else ops.address for ops in answer] for answer in answers
    ]


def test_an_ops_whose_filter_cannot_be_read_costs_no_other(kernel: FakeKernel) -> None:
    function = kernel.function("f")
    first = kernel.ops("function_trace_call", function)
    second = kernel.ops("kprobe_ftrace_handler", function)
    kernel.memory.lose(second.struct["local_hash.filter_hash"])
    view = kernel.view()
    where = f"ftrace_ops {second.address:#x}"
    for lost, found in both(view, function):
        # It may want the site.
        assert unread(lost).reason.startswith(f"{where}: not in the dump")
        assert found == first.address
    assert [problem.where for problem in view.problems.all()] == [where]


def test_a_list_that_breaks_off(kernel: FakeKernel) -> None:
    function = kernel.function("f")
    lost = kernel.ops("function_trace_call", function)
    kept = kernel.ops("kprobe_ftrace_handler", function)
    lost.struct.lose()
    view = kernel.view()
    for answer in both(view, function):
        assert answer[0] == kept.address
        assert unread(answer[-1]).reason.startswith("ftrace_ops_list: not in the dump")
    assert "ftrace_ops_list" in [problem.where for problem in view.problems.all()]


def test_the_list_itself(kernel: FakeKernel) -> None:
    kernel.ops("function_trace_call", kernel.function("f"))
    kernel.memory.lose(kernel.ops_list)
    (missing,) = registered_ops(kernel.view())
    assert unread(missing).reason.startswith("ftrace_ops_list: not in the dump")


def test_which_patch_it_is_of(kernel: FakeKernel) -> None:
    """All ops of livepatch have IPMODIFY; one without it is of no patch, whatever is missing."""
    function = kernel.function("f")
    kernel.ops("function_trace_call", kernel.function("g"))
    kernel.patch("first", function)
    kernel.memory.lose(kernel.klp_ops)
    view = kernel.view()
    livepatch, tracer = whole(registered_ops(view))
    assert unread(livepatch.patch).reason.startswith("list klp_ops: not in the dump")
    assert (livepatch.user, tracer.patch) == ("livepatch", None)
    (at_the_site,) = whole(registered_ops_at(view, function.site))
    assert at_the_site.patch == livepatch.patch


def test_a_patch_whose_name_cannot_be_read(kernel: FakeKernel) -> None:
    patch = kernel.patch("first", kernel.function("f"))
    patch.module.struct.lose()
    (found,) = whole(registered_ops(kernel.view()))
    at = kernel.stacks["f"].struct.address
    assert unread(found.patch).reason.startswith(f"klp_ops {at:#x}: not in the dump")


def test_a_callback_and_an_ops_in_a_module_whose_symbols_are_missing(kernel: FakeKernel) -> None:
    function = kernel.function("f", "scsi_common")
    callback = kernel.function("my_callback", "tracer", traced=False)
    ops = kernel.ops(callback.name, function)
    kernel.module("tracer").kallsyms.lose()
    view = kernel.view()
    missing = unread(view.symbols.missing)
    (found,) = whole(registered_ops(view))
    assert (found.address, found.func) == (ops.address, callback.address)
    assert found.func_symbol == found.user == missing


def test_how_many_sites_it_hooks(kernel: FakeKernel) -> None:
    kept, lost = kernel.function("kept"), kernel.function("lost", "scsi_common")
    kernel.ops("function_trace_call", kept, lost)
    lost.record.lose()
    view = kernel.view()
    (found,) = whole(registered_ops(view))
    missing = unread(view.records.missing)
    assert found.hooks == AtLeast(1, missing.reason)
    assert found.hooked == ("kept", missing)
    assert found.filter.count == 2


def test_the_functions_of_a_filter_whose_module_is_missing(kernel: FakeKernel) -> None:
    function = kernel.function("f", "scsi_common")
    kernel.ops("function_trace_call", function)
    kernel.module("scsi_common").kallsyms.lose()
    (found,) = whole(registered_ops(kernel.view()))
    assert found.filter.functions == (f"{function.site:#x} (its symbol is unknown)",)


def test_direct_calls_that_cannot_be_read() -> None:
    kernel = FakeKernel(OUT_OF_LINE)
    target = kernel.function("bpf_prog", traced=False)
    direct(kernel, kernel.function("f"), target.address)
    kernel.variable("direct_functions", "struct ftrace_hash *", 0xC000000009000000)
    (found,) = whole(registered_ops(kernel.view()))
    (missing,) = found.direct_calls
    assert unread(missing).reason.startswith("direct_functions: not in the dump")


def test_those_that_another_manages() -> None:
    kernel = FakeKernel(OUT_OF_LINE)
    managed = graph_tracer(kernel, kernel.function("f"))
    managed.lose()
    manager, missing = registered_ops(kernel.view())
    at = sure(manager).address
    assert unread(missing).reason.startswith(f"subops of ftrace_ops {at}: not in the dump")
