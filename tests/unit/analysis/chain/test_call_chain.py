# SPDX-License-Identifier: GPL-2.0-or-later
"""From the site to what runs: each link of livepatch's data, and where the chain ends."""

import pytest

from klp_debug.analysis.chain.call_chain import Chain, follow_chain
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.func import Hop
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP
from tests.support.kernel_structs import BUILDS, MPROFILE, Build

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
    site = view.site_of(symbol, entry)
    assert site is not None
    return follow_chain(view, symbol, entry, site)


def followed(kernel: FakeKernel) -> Chain:
    view = kernel.view()
    chain = chain_of(view)
    assert view.problems.all() == ()
    return chain


def hop(chain: Chain, kind: str) -> Hop:
    (found,) = (hop for hop in chain.hops if hop.kind == kind)
    return found


@every_build
def test_it_ends_in_the_replacement_on_top(build: Build) -> None:
    kernel = patched(build)
    second = kernel.patches[1]
    chain = followed(kernel)
    assert all(hop.ok for hop in chain.hops)
    assert [hop.kind for hop in chain.hops][-4:] == LAST
    assert chain.patched
    assert chain.new_func == second.replacements["f"].address
    assert chain.winner is not None
    assert (chain.winner.patch, chain.winner.symbol) == ("second", "second_f [second]")
    assert (chain.unswitched, chain.disarmed, chain.redirected) == (None, None, False)
    assert hop(chain, "ops").address == kernel.stacks["f"].ops.address
    assert hop(chain, "handler").address == kernel.handler.address
    assert hop(chain, "winner").address == second.funcs["f"].address
    assert hop(chain, "winner").next == hop(chain, "replacement").address == chain.new_func


def test_a_function_that_nobody_patched() -> None:
    kernel = FakeKernel()
    kernel.function("f")
    chain = followed(kernel)
    assert [hop.kind for hop in chain.hops] == ["site"]
    assert (chain.patched, chain.winner, chain.new_func) == (False, None, None)


def test_in_transition() -> None:
    kernel = patched()
    kernel.in_transition(kernel.patches[1])
    chain = followed(kernel)
    assert chain.unswitched == "first_f [first]"
    assert hop(chain, "winner").what.startswith("second, in transition: ")


def test_in_transition_above_the_original() -> None:
    kernel = FakeKernel()
    kernel.in_transition(kernel.patch("first", kernel.function("f")))
    assert followed(kernel).unswitched == "f itself"


def test_a_nop_gives_it_back_to_the_original() -> None:
    kernel = patched()
    kernel.patch("empty", nops=(kernel.functions["f"],), replace=True)
    chain = followed(kernel)
    assert chain.new_func is None
    assert hop(chain, "winner").what == "empty: a nop of an atomic replace; the original runs"
    assert chain.hops[-1].kind == "winner"


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
    assert not link.ok
    assert link.what == f"its filter hash lacks this site ({kernel.functions['f'].site:#x})"


def test_an_ops_that_calls_something_else() -> None:
    kernel = patched()
    kernel.stacks["f"].ops.struct["func"] = kernel.function("other", traced=False).address
    chain = followed(kernel)
    link = chain.hops[-1]
    assert (link.kind, link.ok) == ("handler", False)
    assert link.what == "not klp_ftrace_handler: the original runs"
    assert (chain.winner, chain.new_func) == (None, None)


def test_a_replacement_that_is_not_entered_at_its_beginning() -> None:
    kernel = patched()
    second = kernel.patches[1]
    second.funcs["f"]["new_func"] = second.replacements["f"].address + 8
    chain = followed(kernel)
    assert [link.ok for link in chain.hops][-2:] == [False, False]
    assert chain.hops[-1].what == "not the beginning of any function"


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
        assert not hop(chain, "site").ok
    else:
        assert chain.new_func is None


# what cannot be read


def test_what_is_known_before_it_is_kept() -> None:
    kernel = patched()
    kernel.memory.lose(kernel.address("ftrace_caller"))
    view = kernel.view()
    chain = chain_of(view)
    assert [link.kind for link in chain.hops] == ["site", "stub"]
    assert (chain.patched, chain.new_func) == (True, None)
    assert [p.where for p in view.problems.all()] == ["call chain of f"]


def test_a_replacement_that_cannot_be_read() -> None:
    kernel = patched()
    replacement = kernel.patches[1].replacements["f"]
    replacement.lose_text()
    view = kernel.view()
    chain = chain_of(view)
    assert chain.new_func == replacement.address
    link = chain.hops[-1]
    assert (link.kind, link.ok, link.what) == ("replacement", False, "cannot be read")
    wheres = [p.where for p in view.problems.all()]
    assert wheres == [f"replacement at {replacement.address:#x}"]


def test_a_patch_whose_name_cannot_be_read() -> None:
    kernel = patched()
    kernel.patches[1].struct.lose()
    view = kernel.view()
    chain = chain_of(view)
    assert [link.kind for link in chain.hops][-1] == "handler"
    assert (chain.winner, chain.new_func) == (None, None)
    assert [p.where for p in view.problems.all()] == ["call chain of f"]
