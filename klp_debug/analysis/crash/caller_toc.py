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

_TOC_SLOT = 24
"""``R2_STACK_OFFSET``, in bytes from the beginning of a frame."""


@dataclass(frozen=True, slots=True)
class _Culprit:
    """Who overwrote the caller's TOC."""

    sentence: str
    proof: tuple[str, ...]
    why: str


def judge(scene: CrashScene) -> Verdict | None:
    """Return the verdict if the crashed function took a wrong TOC back; None if it did not."""
    view, registers = scene.view, scene.registers
    if registers is None or view.pcrel:
        return None
    with view.problems.noting("TOC in the frame of the function that crashed"):
        return _judge(scene, registers)
    return None


def _judge(scene: CrashScene, registers: Registers) -> Verdict | None:
    view, r2 = scene.view, int(registers.gpr[2])
    caller = scene.function_with_toc
    # A live patch puts a TOC there, the wrong one; any other value was not its doing.
    if caller is None or toc_owner(view, r2) is None:
        return None
    slot = int(registers.gpr[1]) + _TOC_SLOT
    right = toc_of(view, caller.module)
    # The frame must hold the same still: else r2 was not taken back from it.
    if right is None or r2 == right or view.prog.read_u64(slot) != r2:
        return None
    stubs = Stubs(view)
    end = int(registers.nip if scene.nip_in(caller) else registers.link) - 4
    for call in branches(view, stubs, caller, end):
        callee = _callee(scene, call)
        if callee is None:
            continue
        # The last call before the crash that takes the TOC back is the one that gave r2 its value;
        # if it is not to blame, no earlier one is.
        culprit = _by_site(scene, stubs, callee, r2) or _by_sibling(scene, stubs, callee, r2)
        if culprit is None:
            return None
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


def _callee(scene: CrashScene, call: Branch) -> KernelSymbol | None:
    """Return the function that a call reached through a stub: only then the TOC is taken back."""
    if not call.links or not call.takes_toc_back or call.target is None:
        return None
    symbol = scene.view.symbols.covering(call.target)
    return symbol if symbol is not None and symbol.is_function else None


def _by_site(scene: CrashScene, stubs: Stubs, callee: KernelSymbol, toc: int) -> _Culprit | None:
    """Tell whether the stub that the callee's site calls puts that TOC at 24(r1)."""
    index = site_of_function(scene.view, callee)
    if index is None or toc_owner(scene.view, toc) != callee.module:
        return None
    for shown in report_site(scene.view, index).stubs:
        stub = stubs.follow(int(shown.address))
        if STD_R2_24_R1 in stub.words:
            return _Culprit(
                f"The stub that the site of {callee.name} calls put it there.",
                (_puts_toc(stub), f"{callee.name} has set r2 to it, and has no frame yet"),
                "A stub between a site and ftrace_caller must leave 24(r1) alone: the frame is the"
                " caller's. The kernel's own do so ever since they exist (153086644fd1 and"
                " 336a7b5dd80a, in v4.6): something overwrote this one.",
            )
    return None


def _by_sibling(scene: CrashScene, stubs: Stubs, callee: KernelSymbol, toc: int) -> _Culprit | None:
    """Tell whether a replacement of the callee ends in a sibling call that puts that TOC there."""
    view = scene.view
    stack = FuncStacks(view).of_function(callee.address)
    for func in stack.funcs if stack is not None else ():
        replacement = view.symbols.covering(func.new_func.value_())
        if replacement is None or toc_owner(view, toc) != replacement.module:
            continue
        for branch in branches(view, stubs, replacement):
            stub = branch.stub
            if not branch.links and stub is not None and STD_R2_24_R1 in stub.words:
                patch = klp_patch_name(klp_func_patch(func))
                to = view.symbols.format(stub.target) if stub.target is not None else None
                return _Culprit(
                    f"{replacement.label}, the replacement of {patch}, ends in a sibling call of"
                    f" {to or 'a function elsewhere'}: the stub of that call put it there.",
                    (
                        f"{Word(branch.word)} at {Address(branch.address)}"
                        f" ({view.symbols.format(branch.address)}) goes to that stub without link",
                        _puts_toc(stub),
                    ),
                    "A replacement must make no sibling call out of its module: build the patch"
                    " with -fno-optimize-sibling-calls (kpatch refuses such a patch).",
                )
    return None


def _puts_toc(stub: FollowedStub) -> str:
    at = stub.stub.address + 4 * stub.words.index(STD_R2_24_R1)
    return f"{Word(STD_R2_24_R1)} at {Address(at)}, in that stub: std r2,24(r1)"
