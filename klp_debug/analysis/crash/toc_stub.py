# SPDX-License-Identifier: GPL-2.0-or-later
"""
The crash of a leaf function whose site calls a stub that needs r2.

A leaf function sets no TOC before its mcount site, so r2 there is its caller's. It is proven by
running the stub's instructions with the registers of the crash.
"""

from collections.abc import Iterator

from klp_debug.analysis.audit.site import report_site
from klp_debug.analysis.catalogue import TOC_STUB_ON_LEAF
from klp_debug.analysis.chain.stubs import FollowedStub, Stubs
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.crash.hooked_by import hooked_by
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.toc import whose_toc
from klp_debug.ppc64le.disassembly import disassemble
from klp_debug.ppc64le.replay import ReplayResult, Step, format_number, replay
from klp_debug.result.address import Address
from klp_debug.result.registers import Registers
from klp_debug.result.report import Verdict
from klp_debug.result.site import SiteReport
from klp_debug.result.unknown import Unknown, first_unknown, known

_WHY = (
    'Kernels before "powerpc/module: Create a special stub for ftrace_caller()" (336a7b5dd80a, in'
    " v4.6) build such stubs; a kernel that has it makes none: there, most likely a write from"
    " elsewhere changed the stub."
)
_NOW = (
    "Disable the patch before the function is called again, or keep tracers and patches off leaf"
    " functions of modules until the fix is in."
)


def judge(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if the crash came through such a stub; None if it did not."""
    index, registers = scene.site, scene.registers
    if index is None or isinstance(index, Unknown) or isinstance(registers, Unknown):
        return first_unknown((index, registers))
    site = report_site(scene.view, index)
    stubs = scene.view.once(Stubs)
    stub = _r2_stub(stubs, site)
    if stub is None or site.leaf_without_toc is False:
        return first_unknown(site.path) if site.leaf_without_toc is not False else None
    if isinstance(site.leaf_without_toc, Unknown):
        return site.leaf_without_toc
    outcome = _replay(stubs, stub, registers)
    address = stub.stub.address
    in_stub = address <= int(registers.nip) < address + 4 * len(stub.words)
    proven = outcome.target == int(registers.nip)
    if not proven and not in_stub:
        return None
    name = site.label
    return Verdict(
        blame="caused",
        id=TOC_STUB_ON_LEAF.id,
        what=(
            "Live patching caused this crash.",
            f"{name}, hooked by {hooked_by(site.ops) or 'nobody now'}, is a leaf: it sets no TOC"
            " before its mcount site.",
            "The stub that the site calls finds its target through r2, which still was the"
            " caller's.",
        ),
        proof=tuple(_proof(scene.view, stub, outcome, registers, site)),
        why=_WHY,
        now=_NOW,
    )


def _r2_stub(stubs: Stubs, site: SiteReport) -> FollowedStub | None:
    for shown in known(site.stubs):
        if shown.needs == "r2":
            return stubs.follow(int(shown.address))
    return None


def _replay(stubs: Stubs, stub: FollowedStub, registers: Registers) -> ReplayResult:
    entry = {f"r{number}": int(registers.gpr[number]) for number in (1, 2, 13)}
    return replay(stub.words, stub.stub.address, registers=entry, load=stubs.load)


def _proof(
    view: KernelView,
    stub: FollowedStub,
    outcome: ReplayResult,
    registers: Registers,
    site: SiteReport,
) -> Iterator[str]:
    r2 = int(registers.gpr[2])
    owner = "an unknown module" if isinstance(stub.owner, Unknown) else stub.owner or "vmlinux"
    right = stub.stub.right_r2 if stub.stub.right_r2 is not None else stub.toc
    yield (
        f"the stub at {Address(stub.stub.address)}, replayed with the registers of CPU"
        f" {registers.cpu}:"
    )
    needs = ""
    if right is not None:
        value = "unknown" if isinstance(right, Unknown) else str(Address(right))
        needs = f"; {owner}'s, which the stub needs, is {value}"
    yield f"r2 = {Address(r2)}: {whose_toc(view, r2)}{needs}"
    for step in outcome.steps:
        yield _step(step, registers)
    if outcome.target is not None:
        yield f"so it goes to {format_number(outcome.target)}"
    else:
        yield f"and stops: {outcome.stopped}"
    yield (
        f"NIP = {registers.nip}, CTR = {registers.ctr}, LR = {registers.link}"
        f" ({_behind(site, int(registers.link))})"
    )


def _behind(site: SiteReport, link: int) -> str:
    if link == int(site.record.ip) + 4:
        return "behind the mcount site"
    return "behind the call in the site's out-of-line stub"


def _step(step: Step, registers: Registers) -> str:
    (instruction,) = disassemble(step.words, step.address)
    text = f"{instruction.mnemonic or ''} {instruction.operands or ''}".strip()
    words = " ".join(f"{word:08x}" for word in step.words)
    line = f"{words}  {text}" if text else words
    if step.register is None or step.value is None:
        return line
    line += f": {step.register} = {format_number(step.value)}"
    if step.loaded_from is not None:
        line += f", from {format_number(step.loaded_from)}"
    at_crash = _register(registers, step.register)
    if at_crash is not None and at_crash == step.value:
        line += ", as in the dump"
    return line


def _register(registers: Registers, name: str) -> int | None:
    if name == "ctr":
        return int(registers.ctr)
    return int(registers.gpr[int(name[1:])]) if name.startswith("r") else None
