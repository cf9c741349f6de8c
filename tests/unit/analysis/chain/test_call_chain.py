# SPDX-License-Identifier: GPL-2.0-or-later
"""From the site to what runs: each link of livepatch's data, and where the chain ends."""

import pytest

from klp_debug.analysis.chain.call_chain import Chain, OtherTasks, follow_chain
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.func import Hop, HopKind
from klp_debug.result.unknown import known
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP
from tests.support.kernel_structs import BUILDS, MPROFILE, Build
from tests.support.sure import sure, unread, whole

every_build = pytest.mark.parametrize("build", BUILDS)
LAST = ["ops", "handler", "winner", "replacement"]


def patched(build: Build = MPROFILE) -> FakeKernel:
    """Return a kernel with a function that has two replacements, ``first`` below ``second``."""
    kernel = FakeKernel(build)
    function = kernel.function("f", "scsi_common")
    kernel.patch("first", function)
    kernel.patch("second", function)
    return kernel


def chain_of(view: KernelView) -> Chain:
    (symbol,) = view.symbols.named("f")
    entry = view.entry_of(symbol)
    site = sure(view.site_of(symbol, entry))
    return follow_chain(view, symbol, entry, site)


def followed(kernel: FakeKernel) -> Chain:
    view = kernel.view()
    chain = chain_of(view)
    assert view.problems.all() == ()
    return chain


def kinds(chain: Chain) -> list[HopKind]:
    """Return what the links of a chain are; nothing of it is unknown."""
    return [hop.kind for hop in whole(chain.hops)]


def known_kinds(chain: Chain) -> list[HopKind]:
    """Return what the links are up to the one that could not be read."""
    unread(chain.hops[-1])
    return [hop.kind for hop in whole(chain.hops[:-1])]


def hop(chain: Chain, kind: str) -> Hop:
    (found,) = (hop for hop in known(chain.hops) if hop.kind == kind)
    return found


@every_build
def test_it_ends_in_the_replacement_on_top(build: Build) -> None:
    kernel = patched(build)
    second = kernel.patches[1]
    chain = followed(kernel)
    assert all(hop.ok is True for hop in whole(chain.hops))
    assert kinds(chain)[-4:] == LAST
    assert chain.patched is True
    assert chain.new_func == second.replacements["f"].address
    assert (sure(chain.winner).patch, sure(chain.winner).symbol) == ("second", "second_f [second]")
    assert (chain.below, chain.disarmed, chain.redirected) == (None, None, False)
    assert hop(chain, "ops").address == kernel.stacks["f"].ops.address
    assert hop(chain, "handler").address == kernel.handler.address
    assert hop(chain, "winner").address == second.funcs["f"].address
    assert hop(chain, "winner").next == hop(chain, "replacement").address == chain.new_func


def test_a_function_that_nobody_patched() -> None:
    kernel = FakeKernel()
    kernel.function("f")
    chain = followed(kernel)
    assert kinds(chain) == ["site"]
    assert (chain.patched, chain.winner, chain.new_func) == (False, None, None)


@pytest.mark.parametrize(("to", "tasks"), [(1, "not yet switched"), (0, "already switched")])
def test_in_transition(to: int, tasks: str) -> None:
    """Who has switched to no patch runs what is below it; who has not switched yet, the patch."""
    kernel = patched()
    kernel.in_transition(kernel.patches[1], to=to)
    chain = followed(kernel)
    assert chain.below == OtherTasks(tasks, "first_f [first]")  # type: ignore[arg-type]
    assert hop(chain, "winner").what == (
        f"second, in transition: tasks {tasks} run the version below it"
    )


@pytest.mark.parametrize(("to", "tasks"), [(1, "not yet switched"), (0, "already switched")])
def test_in_transition_above_the_original(to: int, tasks: str) -> None:
    kernel = FakeKernel()
    kernel.in_transition(kernel.patch("first", kernel.function("f")), to=to)
    assert followed(kernel).below == OtherTasks(tasks, "f itself")  # type: ignore[arg-type]


def test_in_transition_which_way_cannot_be_read() -> None:
    kernel = patched()
    kernel.in_transition(kernel.patches[1])
    kernel.memory.lose(kernel.target_state)
    chain = chain_of(kernel.view())
    unread(chain.below)
    assert "which tasks run the version below it is unknown" in hop(chain, "winner").what
    unread(hop(chain, "winner").ok)


def test_in_transition_but_none_is_under_way() -> None:
    kernel = patched()
    kernel.in_transition(kernel.patches[1])
    kernel.put_u64(kernel.transition_patch, 0)
    assert "no transition is under way" in unread(chain_of(kernel.view()).below).reason


def test_a_nop_gives_it_back_to_the_original() -> None:
    kernel = patched()
    kernel.patch("empty", nops=(kernel.functions["f"],), replace=True)
    chain = followed(kernel)
    assert chain.new_func is None
    assert hop(chain, "winner").what == "empty: a nop of an atomic replace; the original runs"
    assert kinds(chain)[-1] == "winner"


# the links


def test_an_ops_that_is_not_on_the_list() -> None:
    kernel = patched()
    kernel.unregister(kernel.stacks["f"].ops)
    link = hop(followed(kernel), "ops")
    assert (link.ok, link.what) == (False, "not on ftrace_ops_list: never called")


def test_an_ops_that_is_not_enabled() -> None:
    kernel = patched()
    kernel.stacks["f"].ops.struct["flags"] = 0
    link = hop(followed(kernel), "ops")
    assert (link.ok, link.what) == (False, "on ftrace_ops_list but not ENABLED")


def test_a_filter_without_the_site() -> None:
    kernel = patched()
    kernel.stacks["f"].ops.struct["local_hash.filter_hash"] = kernel.hash(0x1234)
    link = hop(followed(kernel), "ops")
    assert link.ok is False
    assert link.what == f"its filter hash lacks this site ({kernel.functions['f'].site:#x})"


def test_an_ops_that_calls_something_else() -> None:
    kernel = patched()
    kernel.stacks["f"].ops.struct["func"] = kernel.function("other", traced=False).address
    chain = followed(kernel)
    link = sure(chain.hops[-1])
    assert (link.kind, link.ok) == ("handler", False)
    assert link.what == "not klp_ftrace_handler: the original runs"
    assert (chain.winner, chain.new_func) == (None, None)


def test_a_replacement_that_is_not_entered_at_its_beginning() -> None:
    kernel = patched()
    second = kernel.patches[1]
    second.funcs["f"]["new_func"] = second.replacements["f"].address + 8
    chain = followed(kernel)
    assert [link.ok for link in whole(chain.hops)][-2:] == [False, False]
    assert sure(chain.hops[-1]).what == "not the beginning of any function"


# held by a debugger


@pytest.mark.parametrize("mechanism", ["ops", "site", "nop", "redirect"])
def test_disarmed(mechanism: str) -> None:
    kernel = patched()
    first, second = kernel.patches
    if mechanism == "ops":
        kernel.stacks["f"].ops.struct["func"] = kernel.functions["ftrace_stub"].address
    elif mechanism == "site":
        kernel.functions["f"].site_word = NOP
    elif mechanism == "nop":
        second.funcs["f"]["nop"] = 1
    else:
        second.funcs["f"]["new_func"] = first.replacements["f"].address
    chain = followed(kernel)
    assert chain.disarmed == f"second ({mechanism})"
    assert chain.redirected is (mechanism == "redirect")
    if mechanism == "redirect":
        assert chain.new_func == first.replacements["f"].address
    elif mechanism == "site":
        assert hop(chain, "site").ok is False
    else:
        assert chain.new_func is None


# what cannot be read


def test_what_is_known_before_it_is_kept() -> None:
    kernel = patched()
    kernel.memory.lose(kernel.address("ftrace_caller"))
    view = kernel.view()
    chain = chain_of(view)
    assert known_kinds(chain) == ["site", "stub"]
    assert chain.patched is True
    where = f"path of the site {kernel.functions['f'].site_label}"
    why = unread(chain.hops[-1])
    assert why.reason.startswith(f"{where}: not in the dump")
    assert chain.winner == chain.new_func == chain.below == why
    assert chain.disarmed is None
    assert [p.where for p in view.problems.all()] == [where]


def test_a_replacement_that_cannot_be_read() -> None:
    kernel = patched()
    replacement = kernel.patches[1].replacements["f"]
    replacement.lose_text()
    view = kernel.view()
    chain = chain_of(view)
    assert chain.new_func == replacement.address
    link = sure(chain.hops[-1])
    where = f"replacement at {replacement.address:#x}"
    assert unread(link.bytes).reason.startswith(f"{where}: not in the dump")
    # That it is one, its symbol tells.
    assert (link.kind, link.ok, link.what) == ("replacement", True, "global entry point")
    assert [p.where for p in view.problems.all()] == [where]


def test_a_replacement_where_nothing_is() -> None:
    """That is no lack of the dump."""
    kernel = patched()
    kernel.patches[1].funcs["f"]["new_func"] = 0x1234
    link = sure(followed(kernel).hops[-1])
    assert (link.ok, link.bytes) == (False, "")
    assert link.what == "not the beginning of any function; nothing is mapped there"


def test_a_patch_whose_name_cannot_be_read() -> None:
    kernel = patched()
    kernel.patches[1].struct.lose()
    view = kernel.view()
    chain = chain_of(view)
    assert known_kinds(chain)[-1] == "handler"
    why = unread(chain.hops[-1])
    assert why.reason.startswith("call chain of f: not in the dump")
    assert chain.winner == chain.new_func == why
    assert [p.where for p in view.problems.all()] == ["call chain of f"]


def test_the_func_stacks_cannot_be_read() -> None:
    kernel = patched()
    kernel.memory.lose(kernel.klp_ops)
    chain = chain_of(kernel.view())
    why = unread(chain.patched)
    assert why.reason.startswith("list klp_ops: not in the dump")
    # The words of the site and the stub are as they were; that nothing else is meant is not known.
    assert known_kinds(chain) == ["site", "stub", "trampoline", "dispatch"]
    assert chain.hops[-1] == chain.winner == chain.new_func == chain.disarmed == why


def test_nobody_patched_it_by_its_record_though_func_stacks_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.function("f")
    kernel.memory.lose(kernel.klp_ops)
    chain = chain_of(kernel.view())
    assert kinds(chain) == ["site"]
    assert (chain.patched, chain.winner, chain.new_func) == (False, None, None)


def test_an_idle_site_of_a_function_that_may_be_patched() -> None:
    """Whether it must be armed is not known, so that it is no broken link."""
    kernel = patched()
    kernel.functions["f"].site_word = NOP
    kernel.memory.lose(kernel.klp_ops)
    chain = chain_of(kernel.view())
    site = sure(chain.hops[0])
    assert (site.kind, site.ok) == ("site", chain.patched)
    unread(site.ok)


def test_the_list_of_ops_cannot_be_read() -> None:
    kernel = patched()
    kernel.memory.lose(kernel.ops_list)
    chain = chain_of(kernel.view())
    assert known_kinds(chain)[-1] == "dispatch"
    assert unread(chain.hops[-1]).reason.startswith("call chain of f: not in the dump")
    assert chain.winner == chain.new_func == chain.hops[-1]


def test_symbols_of_the_replacements_module_are_missing() -> None:
    """Where the call ends is known; whether a function begins there is not."""
    kernel = patched()
    kernel.patches[1].module.kallsyms.lose()
    view = kernel.view()
    chain = chain_of(view)
    missing = unread(view.symbols.missing)
    assert chain.new_func == kernel.patches[1].replacements["f"].address
    winner, replacement = whole(chain.hops)[-2:]
    assert winner.ok == replacement.ok == replacement.symbol == missing
    assert winner.what == "top of the func_stack: an unknown symbol of second"
    assert replacement.what == "whether a function begins there is unknown"
    assert sure(chain.winner).symbol == missing


def test_what_is_below_a_top_in_transition_cannot_be_read() -> None:
    kernel = patched()
    kernel.in_transition(kernel.patches[1])
    kernel.patches[0].funcs["f"].lose()
    chain = chain_of(kernel.view())
    at = kernel.stacks["f"].struct.address
    assert unread(chain.below).reason.startswith(f"func_stack of klp_ops {at:#x}: not in")
    assert chain.new_func == kernel.patches[1].replacements["f"].address


@every_build
def test_its_record_cannot_be_read(build: Build) -> None:
    """The words lead to the replacement all the same."""
    kernel = FakeKernel(build)
    kernel.patch("first", kernel.function("f"))
    expected = followed(kernel)
    kernel.functions["f"].record.lose()
    view = kernel.view()
    chain = chain_of(view)
    assert chain.hops == expected.hops
    assert chain.new_func == expected.new_func
    assert [p.where for p in view.problems.all()] == ["ftrace records"]
