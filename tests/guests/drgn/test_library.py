# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts import agrees with the guest."""

from collections.abc import Iterator

import pytest
from drgn import FaultError, Program, get_default_prog, set_default_prog

import klp_debug
from tests.conftest import Captured
from tests.support.sure import whole
from vmcores.oracle.oracle import Oracle
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def patched(captured: Captured) -> CaptureSet:
    return captured("patched", "radix", "6.1")


@pytest.fixture(scope="module")
def prog(patched: CaptureSet) -> Program:
    return klp_debug.open_program(patched.path("kdump"), symbols=[str(patched.image.vmlinux)])


@pytest.fixture(scope="module")
def oracle(patched: CaptureSet) -> Oracle:
    return patched.oracle


@pytest.fixture
def default(prog: Program) -> Iterator[None]:
    set_default_prog(prog)
    yield
    set_default_prog(None)


def test_livepatches(prog: Program, oracle: Oracle) -> None:
    patches = klp_debug.livepatches(prog)
    assert tuple(patches) == patches.patches
    assert {patch.name for patch in whole(patches)} == {patch.name for patch in oracle.patches}
    assert len(patches) == 4


def test_results_lead_to_drgn_objects(prog: Program) -> None:
    """The structure at the address says the same of itself."""
    for patch in whole(klp_debug.livepatches(prog)):
        klp_patch = klp_debug.object_of(prog, patch)
        assert klp_patch.mod.name.string_().decode() == patch.name
        (walked,) = (p for p in klp_debug.for_each_klp_patch(prog) if p == klp_patch)
        for obj in whole(patch.objects):
            klp_object = klp_debug.object_of(prog, obj)
            assert bool(klp_object.patched) is obj.patched
            assert klp_object in list(klp_debug.for_each_klp_object(walked))
            for function in whole(obj.functions):
                klp_func = klp_debug.object_of(prog, function)
                assert klp_func.type_.type_name() == "struct klp_func *"
                assert klp_func.old_name.string_().decode() == function.old_name
                assert klp_debug.klp_func_patch(klp_func) == klp_patch
    for ops in whole(klp_debug.ftrace_users(prog).ops):
        assert klp_debug.object_of(prog, ops).func.value_() == ops.func
    record = klp_debug.mcount_site(prog, "cmdline_proc_show").record
    assert klp_debug.object_of(prog, record).ip.value_() == record.ip


def test_a_function_is_named_in_every_way(prog: Program, oracle: Oracle) -> None:
    address = oracle.address("cmdline_proc_show")
    (stack,) = (one for one in klp_debug.func_stacks(prog) if len(one.funcs) == 2)
    by_name = klp_debug.find_function(prog, "cmdline_proc_show")
    assert (by_name.address, by_name.module) == (address, None)
    for place in (
        by_name,
        address,
        address + 4,
        "vmlinux:cmdline_proc_show",
        prog["cmdline_proc_show"],
        stack.funcs[0].old_func,
    ):
        assert klp_debug.find_function(prog, place) == by_name
        assert klp_debug.describe_function(prog, place).address == address


@pytest.mark.usefixtures("default")
def test_the_default_program_is_taken(prog: Program) -> None:
    assert get_default_prog() is prog
    assert klp_debug.livepatches() == klp_debug.livepatches(prog)
    assert klp_debug.call_chain("vfs_read") == klp_debug.call_chain(prog, "vfs_read")
    assert klp_debug.audit(list_sites=True).listing is not None
    assert klp_debug.backtraces(1) == klp_debug.backtraces(prog, 1)
    old_func = klp_debug.func_stacks()[0].funcs[0].old_func
    set_default_prog(None)
    # An object brings its program.
    assert klp_debug.call_chain(old_func)


def test_call_chain_ends_in_what_ran(prog: Program, oracle: Oracle) -> None:
    chain = whole(klp_debug.call_chain(prog, "cmdline_proc_show"))
    assert all(hop.ok is True for hop in chain)
    winner = oracle.cmdline.strip()  # /proc/cmdline was written by what runs
    replacement = f"patched_cmdline_proc_show_{winner[-1]}"
    assert chain[-1].address == oracle.address(replacement, winner)


def test_a_task_by_number_and_by_object(prog: Program) -> None:
    (init,) = whole(klp_debug.backtraces(prog, 1).tasks)
    assert init.comm == "init"
    (idle,) = whole(klp_debug.backtraces(prog, prog["init_task"].address_of_()).tasks)
    assert idle.pid == 0


def test_what_names_nothing_is_an_error(prog: Program) -> None:
    with pytest.raises(klp_debug.CommandError, match="no function nosuch in this kernel"):
        klp_debug.find_function(prog, "nosuch")
    with pytest.raises(klp_debug.CommandError, match="no function nosuch in this kernel"):
        klp_debug.call_chain(prog, "nosuch")
    with pytest.raises(klp_debug.CommandError):
        klp_debug.backtraces(prog, 99999999)


def test_a_view_is_kept_until_it_has_a_problem(captured: Captured) -> None:
    """What one function's text lacks is no problem of the next one's."""
    captures = captured("patched", "radix", "6.1")
    prog = klp_debug.open_program(captures.path("kdump"), symbols=[captures.image.vmlinux])
    address = klp_debug.describe_function(prog, "vfs_read").address
    prog.add_memory_segment(address, 8, _torn_out)
    damaged = klp_debug.describe_function(prog, "vfs_read")
    assert damaged.problems
    assert klp_debug.describe_function(prog, "cmdline_proc_show").problems == ()


def _torn_out(address: int, count: int, offset: int, physical: bool) -> bytes:
    raise FaultError("torn out", address)
