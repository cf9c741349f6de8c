# SPDX-License-Identifier: GPL-2.0-or-later
"""
A fake kernel in each state that a patch can be in, and what the commands say of it.

The patch is ``first``, which replaces ``f`` of scsi_common by ``first_f``; the task that is told of
is cat (7), which ``caller`` runs in.
"""

import argparse
from collections.abc import Callable

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command import COMMANDS
from klp_debug.control.arm import plan_arm
from klp_debug.control.change import JournaledTarget, Request, perform
from klp_debug.control.consent import Consent
from klp_debug.control.journal import JournalText
from klp_debug.control.plan import Plan, plan_disarm
from klp_debug.control.recovery import plan_undo
from klp_debug.errors import CommandError
from klp_debug.render.as_text import as_text
from klp_debug.result.common import Answer
from klp_debug.result.control import Action
from tests.support.fake_klp_relocation import REL24, klp_relocation
from tests.support.fake_livepatch import FakePatch
from tests.support.fake_tasks import FakeTask
from tests.support.fake_view import FakeKernel
from tests.support.instructions import LD_R2_24_R1

STARTED = "livepatch: 'first': starting patching transition"


def _within(kernel: FakeKernel, *names: str) -> list[int]:
    return [kernel.functions[name].address + 0x24 for name in names]


def _patched() -> FakeKernel:
    kernel = FakeKernel()
    kernel.variable("__vmalloc_start", "unsigned long", 0xC008000000000000)
    kernel.variable("__vmalloc_end", "unsigned long", 0xC00A000000000000)
    for name in ("schedule", "caller", "outer"):
        kernel.function(name, traced=False)
    kernel.patch("first", kernel.function("f", "scsi_common"))
    for cpu, idle in enumerate(kernel.idle):
        (schedule,), (caller,) = _within(kernel, "schedule"), _within(kernel, "caller")
        kernel.save_registers(cpu, nip=schedule, r1=idle.end - 0x70)
        kernel.put_u64(idle.end - 0x70, idle.end, 0, caller)
    return kernel


def _in_original(kernel: FakeKernel, *, patch_state: int = -1) -> FakeTask:
    task = kernel.task(7, "cat", patch_state=patch_state)
    task.sleeps(*_within(kernel, "schedule", "f", "caller"))
    return task


def _in_replacement(kernel: FakeKernel, *, patch_state: int = -1) -> FakeTask:
    task = kernel.task(7, "cat", patch_state=patch_state)
    task.sleeps(*_within(kernel, "schedule", "first_f", "livepatch_handler", "outer"))
    task.calls_replacement(toc=kernel.kernel_toc, lr=_within(kernel, "caller")[0])
    return task


def _in_none(kernel: FakeKernel) -> None:
    kernel.task(7, "cat").sleeps(*_within(kernel, "schedule", "caller"))


def _idle_in_state(kernel: FakeKernel, state: int) -> None:
    for idle in kernel.idle:
        idle.struct["patch_state"] = state


def _leaves_the_list(kernel: FakeKernel, patch: FakePatch) -> None:
    kernel.patches.remove(patch)
    kernel.link(kernel.klp_patches, *(one.struct.at("list") for one in kernel.patches))


def _off_its_stack(kernel: FakeKernel, patch: FakePatch) -> None:
    stack = kernel.stacks["f"]
    stack.funcs.remove(patch.funcs["f"])
    nodes = [func.at("stack_node") for func in stack.funcs]
    kernel.link(stack.struct.at("func_stack"), *nodes)
    patch.funcs["f"]["patched"] = 0


def _gives_f_up(kernel: FakeKernel) -> None:
    """Let nobody have ``f`` any more: no klp_ops, no ftrace_ops, and a nop at its site."""
    kernel.unregister(kernel.stacks.pop("f").ops)
    kernel.update_all()
    kernel.link(kernel.klp_ops)


def enabled() -> FakeKernel:
    kernel = _patched()
    _in_replacement(kernel)
    return kernel


def patching() -> FakeKernel:
    """A task that sleeps in the original holds it up."""
    kernel = _patched()
    kernel.say(2.5, STARTED)
    kernel.in_transition(kernel.patches[0], to=1)
    _idle_in_state(kernel, 1)
    _in_original(kernel, patch_state=0)
    return kernel


def unpatching() -> FakeKernel:
    """A task that sleeps in the replacement holds it up."""
    kernel = _patched()
    kernel.say(2.5, "livepatch: 'first': starting unpatching transition")
    kernel.patches[0].struct["enabled"] = 0
    kernel.in_transition(kernel.patches[0], to=0)
    _idle_in_state(kernel, 0)
    _in_replacement(kernel, patch_state=1)
    return kernel


def reversed_() -> FakeKernel:
    """It was being enabled; a task that had switched sleeps in the replacement."""
    kernel = unpatching()
    kernel.say(3.5, "livepatch: 'first': reversing transition from patching to unpatching")
    return kernel


def replaced() -> FakeKernel:
    """By ``second``, an atomic replace."""
    kernel = _patched()
    first = kernel.patches[0]
    kernel.patch("second", kernel.functions["f"], replace=True)
    _off_its_stack(kernel, first)
    _leaves_the_list(kernel, first)
    _in_none(kernel)
    return kernel


def forced_on() -> FakeKernel:
    """The kernel sets no flag then; a task was in the original, and still is."""
    kernel = _patched()
    _in_original(kernel)
    return kernel


def forced_off() -> FakeKernel:
    """It was disabled by force; a task was in the replacement, and still is."""
    kernel = _patched()
    first = kernel.patches[0]
    first.struct["forced"], first.struct["enabled"] = 1, 0
    first.module.struct["refcnt.counter"] = 2
    first.funcs["f"]["patched"] = 0
    _leaves_the_list(kernel, first)
    _gives_f_up(kernel)
    _in_replacement(kernel)
    return kernel


def disabled() -> FakeKernel:
    kernel = _patched()
    first = kernel.patches[0]
    first.struct["enabled"] = 0
    first.funcs["f"]["patched"] = 0
    _leaves_the_list(kernel, first)
    _gives_f_up(kernel)
    _in_none(kernel)
    return kernel


def object_unloaded() -> FakeKernel:
    kernel = _patched()
    first = kernel.patches[0]
    obj = first.objects["scsi_common"]
    obj["mod"] = obj["patched"] = 0
    first.funcs["f"]["patched"] = first.funcs["f"]["old_func"] = 0
    _gives_f_up(kernel)
    kernel.unload("scsi_common")
    kernel.record_pages["scsi_common"]["index"] = 0
    _in_none(kernel)
    return kernel


def object_barred() -> FakeKernel:
    """The object was loaded and removed; the patch's call into it stays relocated."""
    kernel = object_unloaded()
    place = klp_relocation(kernel, kernel.patches[0], "scsi_common", type_=REL24).place
    kernel.put_words(place, 0x48000001, LD_R2_24_R1)
    return kernel


def disarmed() -> FakeKernel:
    """By ``disarm``, whose journal is elsewhere."""
    kernel = _patched()
    kernel.stacks["f"].ops.struct["func"] = kernel.functions["ftrace_stub"].address
    _in_original(kernel)
    return kernel


def refused() -> FakeKernel:
    """Another patch, ``second``, is; ``first`` stays as it is."""
    kernel = _patched()
    kernel.function("g")
    kernel.say(3.5, "livepatch: failed to register ftrace handler for function 'g' (-16)")
    kernel.say(3.5, "livepatch: failed to enable patch 'second'")
    _in_replacement(kernel)
    return kernel


STATES: dict[str, Callable[[], FakeKernel]] = {
    "enabled": enabled,
    "in transition: patching": patching,
    "in transition: unpatching": unpatching,
    "reversed": reversed_,
    "replaced": replaced,
    "disabled": disabled,
    "forced on": forced_on,
    "forced off": forced_off,
    "its object not loaded": object_unloaded,
    "its object loaded again": enabled,
    "its object cannot be loaded again": object_barred,
    "disarmed by a debugger": disarmed,
    "another patch refused": refused,
}
"""As docs/states.md names them."""


_ACTIONS: dict[str, Action] = {"disarm": "disarm", "arm": "arm", "undo": "undo"}


def said(kernel: FakeKernel, command: str) -> str:
    """Return what a command says, as text; what it needs named is ``f``, cat and ``first``."""
    view = kernel.view()
    consent = Consent(confirm=None, show=lambda change: None)
    action = _ACTIONS.get(command)
    if action is not None:
        request = Request(
            action=action, subject="first", dry_run=True, force=False, yes=False, consent=consent
        )
        journaled = JournaledTarget(JournalText(), None, None)
        try:
            return as_text(perform(view, request, journaled, _plan(view, action)))
        except CommandError as error:
            return str(error)
    (found,) = (one for one in COMMANDS if one.name == command)
    words = {"func": ["f"], "site": ["f"], "bt": ["7"]}.get(command, [])
    parser = argparse.ArgumentParser()
    found.add_arguments(parser)
    try:
        answer: Answer = found.run(view, parser.parse_args(words), consent)
    except CommandError as error:
        return str(error)
    return as_text(answer)


def _plan(view: KernelView, action: Action) -> Plan:
    """Plan by an empty journal: whoever wrote to the target kept theirs."""
    match action:
        case "disarm":
            return plan_disarm(view, "first", None, None)
        case "arm":
            return plan_arm(view, JournalText(), "first")
        case _:
            return plan_undo(view, JournalText(), everything=False)
