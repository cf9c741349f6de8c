# SPDX-License-Identifier: GPL-2.0-or-later
"""
Every patch as the kernel keeps it, and what its functions run.

The rules are those of ``klp_ftrace_handler()`` in kernel/livepatch/patch.c.
"""

import pytest

from klp_debug.analysis.patches.list import livepatches
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.list import Patch, PatchedFunction, Runs
from klp_debug.result.unknown import Unknown, known
from tests.support.fake_ftrace import FakeFunction
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP
from tests.support.kernel_structs import LINUX_4_12, Build
from tests.support.sure import sure, unread, whole


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel()


@pytest.fixture
def function(kernel: FakeKernel) -> FakeFunction:
    return kernel.function("f")


def functions(view: KernelView) -> dict[str, PatchedFunction]:
    """Return what each patch does with ``f``: name of the patch -> its function."""
    return {
        patch.name: func
        for patch in known(livepatches(view))
        for obj in known(patch.objects)
        for func in known(obj.functions)
        if func.old_name == "f"
    }


def runs(kernel: FakeKernel) -> dict[str, tuple[Runs | Unknown, str | Unknown | None]]:
    view = kernel.view()
    found = {name: (func.runs, func.overridden_by) for name, func in functions(view).items()}
    assert view.problems.all() == ()
    return found


def tasks(kernel: FakeKernel) -> dict[str, str | Unknown | None]:
    """Return patch -> which tasks run its version of the function."""
    return {name: func.tasks for name, func in functions(kernel.view()).items()}


def listed(kernel: FakeKernel) -> dict[str, Patch]:
    return {patch.name: patch for patch in whole(livepatches(kernel.view()))}


# what the structures hold


def test_no_patch(kernel: FakeKernel) -> None:
    view = kernel.view()
    assert livepatches(view) == ()
    assert view.problems.all() == ()


def test_patches_in_stacking_order_with_what_they_are(
    kernel: FakeKernel, function: FakeFunction
) -> None:
    kernel.patch("first", function).struct["forced"] = 1
    second = kernel.patch("second", function, replace=True)
    second.struct["enabled"] = 0
    found = listed(kernel)
    assert [(patch.name, patch.stack_order) for patch in found.values()] == [
        ("first", 1),
        ("second", 2),
    ]
    assert [(patch.enabled, patch.replace, patch.forced) for patch in found.values()] == [
        (True, False, True),
        (False, True, False),
    ]
    assert found["second"].address == second.struct.address


def test_each_patch_replaces_those_of_its_set() -> None:
    kernel = FakeKernel(Build(replace_sets=True))
    function = kernel.function("f")
    kernel.patch("first", function)
    kernel.patch("second", function, replace=True)
    found = [(patch.replace, patch.replace_set) for patch in listed(kernel).values()]
    assert found == [(True, 0), (True, 1)]
    kernel = FakeKernel()
    kernel.patch("first", kernel.function("f"))
    assert listed(kernel)["first"].replace_set is None


def test_as_linux_4_12_has_them() -> None:
    """Objects and functions lie in arrays, of which zeros are the end."""
    kernel = FakeKernel(LINUX_4_12)
    functions = [kernel.function(name) for name in ("f", "g")]
    functions += [kernel.function(name, "scsi_common") for name in ("h", "i")]
    patch = kernel.patch("first", *functions)
    (found,) = listed(kernel).values()
    assert (found.enabled, found.replace, found.forced) == (True, False, False)
    assert {
        obj.name: {
            func.old_name: (func.old_func, func.address, func.new_symbol, func.winner)
            for func in whole(obj.functions)
        }
        for obj in whole(found.objects)
    } == {
        owner: {
            each.name: (
                each.address,
                patch.funcs[each.name].address,
                f"first_{each.name} [first]",
                True,
            )
            for each in functions
            if (each.module.name if each.module else "vmlinux") == owner
        }
        for owner in ("vmlinux", "scsi_common")
    }


def test_an_array_that_cannot_be_read() -> None:
    kernel = FakeKernel(LINUX_4_12)
    kernel.patch("first", kernel.function("f")).objects["vmlinux"].lose()
    view = kernel.view()
    (found,) = whole(livepatches(view))
    assert isinstance(found.objects, tuple)
    assert isinstance(found.objects[-1], Unknown)
    assert view.problems.all()


def test_the_first_that_is_forced_pins_all_before_5_1() -> None:
    kernel = FakeKernel(LINUX_4_12)
    place = kernel.variable("klp_forced", "bool", 0)
    kernel.patch("first", kernel.function("f"))
    assert [patch.forced for patch in listed(kernel).values()] == [False]
    kernel.put_u64(place, 1)
    assert [patch.forced for patch in listed(kernel).values()] == [True]


def test_objects_and_their_functions(kernel: FakeKernel, function: FakeFunction) -> None:
    in_module = kernel.function("g", "scsi_common")
    patch = kernel.patch("first", function, in_module)
    patch.funcs["g"]["old_sympos"] = 2
    vmlinux, module = whole(listed(kernel)["first"].objects)
    assert (vmlinux.name, vmlinux.loaded, vmlinux.patched) == ("vmlinux", True, True)
    assert (module.name, module.loaded, module.patched) == ("scsi_common", True, True)
    assert module.address == patch.objects["scsi_common"].address
    (func,) = whole(module.functions)
    assert (func.old_name, func.sympos, func.address) == ("g", 2, patch.funcs["g"].address)
    assert (func.old_func, func.new_func) == (in_module.address, patch.replacements["g"].address)
    assert func.new_symbol == "first_g [first]"
    assert (func.winner, func.stack_position, func.patched) == (True, 0, True)


def test_an_object_that_is_not_loaded(kernel: FakeKernel) -> None:
    patch = kernel.patch("first", kernel.function("g", "scsi_common"))
    patch.objects["scsi_common"]["mod"] = 0
    patch.objects["scsi_common"]["patched"] = 0
    patch.funcs["g"]["old_func"] = 0
    patch.funcs["g"]["patched"] = 0
    kernel.link(kernel.stacks["g"].struct.at("func_stack"))
    (obj,) = whole(listed(kernel)["first"].objects)
    assert (obj.loaded, obj.patched) == (False, False)
    (func,) = whole(obj.functions)
    assert func.old_func is None
    assert (func.runs, func.winner, func.stack_position) == ("not applied", False, None)


@pytest.mark.parametrize(("to", "direction"), [(1, "patching"), (0, "unpatching")])
def test_which_way_a_transition_goes(
    kernel: FakeKernel, function: FakeFunction, to: int, direction: str
) -> None:
    kernel.patch("first", function)
    kernel.in_transition(kernel.patch("second", function), to=to)
    found = listed(kernel)
    assert [found[name].transition for name in ("first", "second")] == [None, direction]


# what runs


def test_the_top_runs_and_the_rest_is_overridden(
    kernel: FakeKernel, function: FakeFunction
) -> None:
    for name in ("first", "second", "third"):
        kernel.patch(name, function)
    assert runs(kernel) == {
        "first": ("overridden", "third"),
        "second": ("overridden", "third"),
        "third": ("replacement", None),
    }


SWITCHED, NOT_YET = "already switched", "not yet switched"


@pytest.mark.parametrize(("to", "top", "below"), [(1, SWITCHED, NOT_YET), (0, NOT_YET, SWITCHED)])
def test_in_transition_some_tasks_run_the_one_below(
    kernel: FakeKernel, function: FakeFunction, to: int, top: str, below: str
) -> None:
    """By task_struct.patch_state, as klp_ftrace_handler() does, whichever way it goes."""
    for name in ("first", "second", "third"):
        kernel.patch(name, function)
    kernel.in_transition(kernel.patches[2], to=to)
    found = runs(kernel)
    assert found["first"] == ("overridden", "third")
    assert [found[name][0] for name in ("second", "third")] == ["in transition"] * 2
    assert tasks(kernel) == {"first": None, "second": below, "third": top}


def test_in_transition_or_not_cannot_be_read(kernel: FakeKernel, function: FakeFunction) -> None:
    """What runs is not known then, nor in which tasks."""
    kernel.patch("first", function)
    kernel.in_transition(kernel.patch("second", function))
    kernel.stacks[function.name].struct.lose()
    found = functions(kernel.view())
    for name in ("first", "second"):
        assert isinstance(found[name].runs, Unknown)
        assert found[name].tasks == found[name].runs


def test_in_transition_which_way_cannot_be_read(kernel: FakeKernel, function: FakeFunction) -> None:
    kernel.patch("first", function)
    kernel.in_transition(kernel.patch("second", function))
    kernel.memory.lose(kernel.target_state)
    found = tasks(kernel)
    assert all(isinstance(found[name], Unknown) for name in ("first", "second"))


def test_a_nop_runs_the_original(kernel: FakeKernel, function: FakeFunction) -> None:
    kernel.patch("first", function)
    kernel.patch("empty", nops=(function,), replace=True)
    assert runs(kernel) == {"first": ("overridden", "empty"), "empty": ("original", None)}
    assert functions(kernel.view())["empty"].nop


def test_an_ops_that_calls_something_else(kernel: FakeKernel, function: FakeFunction) -> None:
    kernel.patch("first", function)
    other = kernel.function("other", traced=False)
    kernel.stacks["f"].ops.struct["func"] = other.address
    assert runs(kernel) == {"first": ("original", None)}
    assert functions(kernel.view())["first"].disarmed is None


def test_disarmed_by_ops(kernel: FakeKernel, function: FakeFunction) -> None:
    kernel.patch("first", function)
    kernel.stacks["f"].ops.struct["func"] = kernel.functions["ftrace_stub"].address
    assert runs(kernel) == {"first": ("original", None)}
    assert functions(kernel.view())["first"].disarmed == "ops"
    assert listed(kernel)["first"].disarmed is True


def test_disarmed_by_ops_in_transition(kernel: FakeKernel, function: FakeFunction) -> None:
    """The original runs in all tasks, switched or not."""
    kernel.patch("first", function)
    kernel.in_transition(kernel.patch("second", function))
    kernel.stacks["f"].ops.struct["func"] = kernel.functions["ftrace_stub"].address
    assert runs(kernel) == {"first": ("overridden", "second"), "second": ("original", None)}
    assert tasks(kernel) == {"first": None, "second": None}


def test_disarmed_by_site(kernel: FakeKernel, function: FakeFunction) -> None:
    kernel.patch("first", function)
    function.site_word = NOP
    assert runs(kernel) == {"first": ("original", None)}
    assert functions(kernel.view())["first"].disarmed == "site"


def test_redirected_to_the_one_below(kernel: FakeKernel, function: FakeFunction) -> None:
    first, second = kernel.patch("first", function), kernel.patch("second", function)
    second.funcs["f"]["new_func"] = first.replacements["f"].address
    assert runs(kernel) == {"first": ("replacement", None), "second": ("overridden", "first")}
    assert functions(kernel.view())["second"].disarmed == "redirect"


# what cannot be read


def test_a_patch_that_cannot_be_read_ends_the_list(
    kernel: FakeKernel, function: FakeFunction
) -> None:
    kernel.patch("first", function)
    kernel.patch("second", function).struct.lose()
    view = kernel.view()
    patch, rest = livepatches(view)
    assert sure(patch).name == "first"
    assert unread(rest).reason.startswith("list klp_patches: not in the dump")
    assert "list klp_patches" in [problem.where for problem in view.problems.all()]


def test_a_patch_whose_module_cannot_be_read_costs_no_other(
    kernel: FakeKernel, function: FakeFunction
) -> None:
    first = kernel.patch("first", function)
    kernel.patch("second", kernel.function("g"))
    first.module.struct.lose()
    view = kernel.view()
    lost, second = livepatches(view)
    assert (sure(second).name, sure(second).stack_order) == ("second", 2)
    where = f"klp_patch {first.struct.address:#x}"
    assert unread(lost).reason.startswith(f"{where}: not in the dump")
    assert where in [problem.where for problem in view.problems.all()]


def test_an_object_that_cannot_be_read_ends_the_patchs_list(
    kernel: FakeKernel, function: FakeFunction
) -> None:
    patch = kernel.patch("first", function, kernel.function("g", "scsi_common"))
    patch.objects["scsi_common"].lose()
    view = kernel.view()
    (found,) = whole(livepatches(view))
    vmlinux, rest = found.objects
    assert sure(vmlinux).name == "vmlinux"
    assert unread(rest).reason.startswith("objects of klp_patch first: not in the dump")
    assert found.disarmed == rest
    assert "objects of klp_patch first" in [problem.where for problem in view.problems.all()]


def test_a_name_that_cannot_be_read_costs_its_function(
    kernel: FakeKernel, function: FakeFunction
) -> None:
    patch = kernel.patch("first", function, kernel.function("g"))
    kernel.memory.lose(patch.funcs["f"]["old_name"])
    view = kernel.view()
    (found,) = whole(livepatches(view))
    lost, func = sure(found.objects[0]).functions
    assert sure(func).old_name == "g"
    where = f"klp_func {patch.funcs['f'].address:#x} of first"
    assert unread(lost).reason.startswith(f"{where}: not in the dump")
    assert [problem.where for problem in view.problems.all()] == [where]


def test_whether_there_is_a_transition_cannot_be_read(
    kernel: FakeKernel, function: FakeFunction
) -> None:
    kernel.patch("first", function)
    kernel.memory.lose(kernel.transition_patch)
    view = kernel.view()
    (found,) = whole(livepatches(view))
    assert unread(found.transition).reason.startswith("klp_transition_patch: not in the dump")
    assert [problem.where for problem in view.problems.all()] == ["klp_transition_patch"]


def test_whether_it_is_disarmed_cannot_be_read(kernel: FakeKernel, function: FakeFunction) -> None:
    kernel.patch("first", function)
    function.lose_text()
    view = kernel.view()
    func = functions(view)["first"]
    at = kernel.stacks["f"].struct.address
    why = unread(func.disarmed)
    assert why.reason.startswith(f"klp_ops {at:#x}: not in the dump")
    # A site that is held idle runs the original, whatever is on the func_stack.
    assert func.runs == why
    assert (func.winner, func.stack_position) == (True, 0)
    assert f"klp_ops {at:#x}" in [problem.where for problem in view.problems.all()]


def test_the_func_stacks_cannot_be_read(kernel: FakeKernel, function: FakeFunction) -> None:
    kernel.patch("first", function)
    absent = kernel.patch("second", kernel.function("g", "scsi_common"))
    absent.funcs["g"]["patched"] = 0
    kernel.memory.lose(kernel.klp_ops)
    view = kernel.view()
    func = functions(view)["first"]
    why = unread(func.runs)
    assert why.reason.startswith("list klp_ops: not in the dump")
    assert func.winner == func.stack_position == func.overridden_by == func.disarmed == why
    # One that livepatch has not put there is on none.
    _, second = whole(livepatches(view))
    (other,) = whole(sure(second.objects[0]).functions)
    assert (other.runs, other.winner, other.stack_position) == ("not applied", False, None)


def test_what_is_below_on_the_func_stack_cannot_be_read(
    kernel: FakeKernel, function: FakeFunction
) -> None:
    first = kernel.patch("first", function)
    kernel.patch("second", function)
    kernel.patch("third", function)
    first.funcs["f"].lose()
    found = functions(kernel.view())
    assert {name: (func.stack_position, func.runs) for name, func in found.items()} == {
        "second": (1, "overridden"),
        "third": (0, "replacement"),
    }
    assert found["second"].overridden_by == "third"


def test_the_patch_above_cannot_be_named(kernel: FakeKernel, function: FakeFunction) -> None:
    kernel.patch("first", function)
    second = kernel.patch("second", function)
    second.module.struct.lose()
    view = kernel.view()
    func = functions(view)["first"]
    assert (func.runs, func.stack_position) == ("overridden", 1)
    where = f"patch of klp_func {second.funcs['f'].address:#x}"
    assert unread(func.overridden_by).reason.startswith(f"{where}: not in the dump")


def test_the_replacement_has_no_symbol_that_is_known(
    kernel: FakeKernel, function: FakeFunction
) -> None:
    patch = kernel.patch("first", function)
    patch.module.kallsyms.lose()
    view = kernel.view()
    func = functions(view)["first"]
    assert func.new_func == patch.replacements["f"].address
    assert func.new_symbol == unread(view.symbols.missing)
    assert func.runs == "replacement"


def test_ftrace_itself_holds_the_site_idle(kernel: FakeKernel, function: FakeFunction) -> None:
    kernel.patch("first", function)
    function.site_word = NOP
    function.has_flags("IPMODIFY", count=1)
    assert runs(kernel) == {"first": ("original", None)}
    assert functions(kernel.view())["first"].disarmed is None
