# SPDX-License-Identifier: GPL-2.0-or-later
"""
The crash of a function that took the wrong TOC back after a call.

A call through a module's stub puts the caller's TOC at 24(r1), in the caller's frame, and
``ld r2,24(r1)`` behind the call takes it back. A live patch overwrites it in two ways: the callee's
mcount site calls a stub that puts r2 there (the callee has no frame yet, so it is the same place);
or the replacement ends in a sibling call through a stub, which does the same with the patch's TOC.
"""

from dataclasses import dataclass

from klp_debug.analysis.audit.site import report_site
from klp_debug.analysis.catalogue import CALLER_TOC_OVERWRITTEN
from klp_debug.analysis.chain.branches import Branch, branches
from klp_debug.analysis.chain.stubs import FollowedStub, Stubs
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.patches.func_stacks import FuncStacks
from klp_debug.analysis.view.find_site import site_of_function
from klp_debug.analysis.view.toc import toc_of, toc_owner, whose_toc
from klp_debug.kernel.livepatch import klp_func_patch, klp_patch_name
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.instruction import STD_R2_24_R1
from klp_debug.result.address import Address, Word
from klp_debug.result.registers import Registers
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown, first_unknown, known

_TOC_SLOT = 24
"""``R2_STACK_OFFSET``, in bytes from the beginning of a frame."""


@dataclass(frozen=True, slots=True)
class _Culprit:
    """Who overwrote the caller's TOC."""

    sentence: str
    proof: tuple[str, ...]
    why: str


def judge(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if the crashed function took a wrong TOC back; None if it did not."""
    view, registers = scene.view, scene.registers
    if view.pcrel:
        return None
    if isinstance(registers, Unknown):
        return registers
    where = "TOC in the frame of the function that crashed"
    return view.problems.attempt(where, _judge, scene, registers)


def _judge(scene: CrashScene, registers: Registers) -> Verdict | Unknown | None:
    view, r2 = scene.view, int(registers.gpr[2])
    caller = scene.function_with_toc
    if caller is None or isinstance(caller, Unknown):
        return caller
    right, owner = toc_of(view, caller.module), toc_owner(view, r2)
    # A live patch puts a TOC there, the wrong one; any other value was not its doing.
    if right is None or r2 == right or owner is None:
        return None
    if isinstance(right, Unknown) or isinstance(owner, Unknown):
        return first_unknown((right, owner))
    slot = int(registers.gpr[1]) + _TOC_SLOT
    # The frame must hold the same still: else r2 was not taken back from it.
    if view.prog.read_u64(slot) != r2:
        return None
    stubs = view.once(Stubs)
    nip = int(registers.nip)
    in_caller = caller.address <= nip < caller.address + caller.size
    end = (nip if in_caller else int(registers.link)) - 4
    for call in branches(view, stubs, caller, end):
        callee = _callee(scene, call)
        if callee is None:
            continue
        if isinstance(callee, Unknown):
            return callee
        # The last call before the crash that takes the TOC back is the one that gave r2 its value;
        # if it is not to blame, no earlier one is.
        culprit = _by_site(scene, stubs, callee, owner)
        if culprit is None:
            culprit = _by_sibling(scene, stubs, callee, owner)
        if culprit is None or isinstance(culprit, Unknown):
            return culprit
        return Verdict(
            blame="caused",
            id=CALLER_TOC_OVERWRITTEN.id,
            what=(
                "Live patching caused this crash.",
                f"{caller.label} called {callee.label} and took a wrong TOC back:"
                f" {whose_toc(view, r2)}.",
                culprit.sentence,
            ),
            proof=(
                f"r2 = {Address(r2)}: {whose_toc(view, r2)}; {caller.label} needs {Address(right)}",
                f"24(r1) = {Address(r2)}, at {Address(slot)}: taken back from there",
                f"{Word(call.word)} at {Address(call.address)} calls {callee.label}; ld r2,24(r1)"
                " is behind it",
                *culprit.proof,
                f"NIP = {registers.nip}, CTR = {registers.ctr}, LR = {registers.link}",
            ),
            why=culprit.why,
            now=CALLER_TOC_OVERWRITTEN.action,
        )
    return None


def _callee(scene: CrashScene, call: Branch) -> KernelSymbol | Unknown | None:
    """Return the function that a call reached through a stub: only then the TOC is taken back."""
    if not call.links or not call.takes_toc_back:
        return None
    if call.target is None or isinstance(call.target, Unknown):
        return call.target
    symbol = scene.view.symbols.covering(call.target)
    return None if isinstance(symbol, KernelSymbol) and not symbol.is_function else symbol


def _by_site(
    scene: CrashScene, stubs: Stubs, callee: KernelSymbol, owner: str
) -> _Culprit | Unknown | None:
    """
    Tell whether the stub that the callee's site calls puts that TOC at 24(r1).

    :param owner: whose TOC it is
    """
    index = site_of_function(scene.view, callee)
    if index is None or owner != callee.module or isinstance(index, Unknown):
        return index if isinstance(index, Unknown) and owner == callee.module else None
    site = report_site(scene.view, index)
    for shown in known(site.stubs):
        stub = stubs.follow(int(shown.address))
        if STD_R2_24_R1 in stub.words:
            return _Culprit(
                f"The stub that the site of {callee.name} calls put it there.",
                (_puts_toc(stub), f"{callee.name} has set r2 to it, and has no frame yet"),
                "A stub between a site and ftrace_caller must leave 24(r1) alone: the frame is the"
                " caller's. The kernel's own do so ever since they exist (153086644fd1 and"
                " 336a7b5dd80a, in v4.6): most likely a write from elsewhere changed this one.",
            )
    return first_unknown(site.path)


def _by_sibling(
    scene: CrashScene, stubs: Stubs, callee: KernelSymbol, owner: str
) -> _Culprit | Unknown | None:
    """Tell whether a replacement of the callee ends in a sibling call that puts that TOC there."""
    view = scene.view
    stack = view.once(FuncStacks).of_function(callee.address)
    if stack is None or isinstance(stack, Unknown):
        return stack
    missing: list[object] = [stack.missing]
    for func in stack.funcs:
        replacement = view.symbols.covering(func.new_func.value_())
        missing.append(replacement)
        if not isinstance(replacement, KernelSymbol) or owner != replacement.module:
            continue
        for branch in branches(view, stubs, replacement):
            stub = branch.stub
            missing.append(stub)
            if branch.links or not isinstance(stub, FollowedStub):
                continue
            if STD_R2_24_R1 in stub.words:
                patch = klp_patch_name(klp_func_patch(func))
                target = stub.target
                to = (
                    view.symbols.label(target)
                    if isinstance(target, int)
                    else "a function elsewhere"
                )
                if isinstance(target, Unknown):
                    to = "an unknown function"
                return _Culprit(
                    f"{replacement.label}, the replacement of {patch}, ends in a sibling call of"
                    f" {to}: the stub of that call put it there.",
                    (
                        f"{Word(branch.word)} at {Address(branch.address)}"
                        f" ({view.symbols.label(branch.address)}) goes to that stub without link",
                        _puts_toc(stub),
                    ),
                    "A replacement must make no sibling call out of its module: build the patch"
                    " with -fno-optimize-sibling-calls (kpatch refuses such a patch).",
                )
    return first_unknown(missing)


def _puts_toc(stub: FollowedStub) -> str:
    at = stub.stub.address + 4 * stub.words.index(STD_R2_24_R1)
    return f"{Word(STD_R2_24_R1)} at {Address(at)}, in that stub: std r2,24(r1)"
