# SPDX-License-Identifier: GPL-2.0-or-later
"""
What carries a call farther than a ``bl`` reaches, and what it needs to find its target.

A module reaches the kernel through the stubs of its ``struct ppc64_stub_entry`` array; the kernel
reaches ftrace_caller from far text through ``ftrace_tramps``, which hold the same instructions.
A stub is told by what its instructions do, not by their exact order or registers: each is
replayed with unknown registers, and the unknown that its target is made of names its kind.

Source: ``ppc64_stub_insns``, ``stub_insns``, ``create_stub()`` and ``create_ftrace_stub()`` in
arch/powerpc/kernel/module_64.c; ``ftrace_init_ool_stub()`` and ``ftrace_dyn_arch_init()`` in
arch/powerpc/kernel/trace/ftrace.c.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from klp_debug.ppc64le.instruction import (
    LD_R12_32_R11,
    MASK64,
    MFLR_R0,
    MTLR_R0,
    STD_R2_24_R1,
    branch_target,
    is_b,
    is_bl,
    is_prefix,
)
from klp_debug.ppc64le.replay import LoadError, Memory, Number, ReplayResult, Value, replay

STUB_ENTRY_SIZE = 40
"""``sizeof(struct ppc64_stub_entry)`` in bytes, ELFv2."""
FUNCDATA_OFFSET = 32
"""Of its u64 ``funcdata`` (``target`` in newer kernels), the target's address, in bytes."""
STUB_MAGIC = 0x73747562
"""
``stub``: what its u32 ``magic`` at byte 28 holds.

Since Linux kernel commit f17c4e01e906 ("powerpc/module: Mark module stubs with a magic value")
(in v4.6); ``unused`` before.
"""

OOL_STUB_WORDS = 4
"""``insn[]`` of ``struct ftrace_ool_stub``."""

Need = Literal["r2", "kernel-toc", "kernel-base"]


class StubKind(enum.StrEnum):
    """What a stub does, by its instruction sequence."""

    R2_RELATIVE = "finds its target through r2"
    """
    ``addis r11,r2; addi r11,r11; std r2,24(r1); ld r12,32(r11); mtctr r12; bctr``.

    The ordinary module stub. Needs the TOC of the module that owns it in r2. In kernels before
    Linux kernel commit 336a7b5dd80a ("powerpc/module: Create a special stub for
    ftrace_caller()") (in v4.6) the way to ftrace_caller, too, where a leaf function crashes.
    """
    KERNEL_TOC = "finds its target through the paca's kernel TOC"
    """
    ``ld r12,kernel_toc(r13); addis r12,r12; addi r12,r12; mtctr r12; bctr``.

    A module's stub for ftrace_caller, or one of the kernel's ``ftrace_tramps``. Leaves r2 alone.
    """
    PCREL = "finds its target relative to the PC"
    """
    ``pld r12,32(pc); mtctr r12; bctr`` in modules; ``pla r12,...; mtctr r12; bctr`` elsewhere.

    CONFIG_PPC_KERNEL_PCREL, Linux kernel commit 7e3a68be42e1 ("powerpc/64: vmlinux support
    building with PCREL addresing") (in v6.4) and Linux kernel commit 77e69ee7ce07 ("powerpc/64:
    modules support building with PCREL addresing") (in v6.4).
    """
    PCREL_KERNEL_BASE = "finds its target through the paca's kernel base"
    """
    ``ld r12,kernelbase(r13); nop; paddi r12,r12; mtctr r12; bctr``.

    A module's stub for ftrace_caller under CONFIG_PPC_KERNEL_PCREL.
    """
    LONG_BRANCH = "branches to its target"
    """One ``b``: the linker's long_branch stub."""
    OUT_OF_LINE = "out-of-line mcount site"
    """``mflr r0; bl X; mtlr r0; b site+4``: see :func:`decode_ool_stub`."""
    UNKNOWN = "unknown"
    """None of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """One stub."""

    kind: StubKind
    address: int
    needs: Need | None
    """What must be right for it to find its target, other than its own memory."""
    toc_offset: int | None
    """
    In bytes, signed, by kind.

    R2_RELATIVE: from r2 to the doubleword that holds the target's address. KERNEL_TOC and
    PCREL_KERNEL_BASE: from what the paca holds to the target itself. None for the others.
    """
    paca_offset: int | None
    """
    Where in the paca (r13) the kernel's TOC or base is read, in bytes.

    It should be ``offsetof(struct paca_struct, kernel_toc)`` or ``kernelbase``.
    """
    saves_toc: bool
    """Whether it saves r2 at 24(r1), which is the caller's frame if the caller made none."""
    length: int
    """Of the instructions up to the branch that leaves it, in bytes; 0 if UNKNOWN."""
    right_r2: int | None
    """
    The r2 with which a module's R2_RELATIVE stub finds its own ``funcdata``.

    That is the TOC of the module that owns the stub. None for the others.
    """


@dataclass(frozen=True, slots=True)
class OolStub:
    """
    The part of an mcount site that is out of line (``struct ftrace_ool_stub``).

    The words are the same whether the site is armed or idle. With
    CONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS the doubleword before them points to the ftrace_ops.
    """

    address: int
    call_target: int
    """What it calls: ftrace_caller, ftrace_regs_caller or a stub for one."""
    return_to: int
    """Where it then goes: the instruction behind the mcount site."""

    @property
    def site(self) -> int:
        """The mcount site it belongs to."""
        return (self.return_to - 4) & MASK64


def decode_ool_stub(words: Sequence[int], address: int) -> OolStub | None:
    """
    Decode the out-of-line part of an mcount site.

    Kernels since Linux kernel commit eec37961a56a ("powerpc64/ftrace: Move ftrace sequence out of
    line") (in v6.13).

    >>> stub = decode_ool_stub((0x7C0802A6, 0x4BFFFFFD, 0x7C0803A6, 0x4BFFFF78), 0x1080)
    >>> hex(stub.site), hex(stub.call_target)
    ('0x1000', '0x1080')

    :param words: from its ``insn[0]`` on; 4 are needed
    :param address: of ``insn[0]``, ``arch.ool_stub`` of the ftrace record
    :return: None if the words are something else
    """
    if len(words) < OOL_STUB_WORDS:
        return None
    save, call, restore, back = words[:OOL_STUB_WORDS]
    if save != MFLR_R0 or restore != MTLR_R0 or not is_bl(call) or not is_b(back):
        return None
    call_target = branch_target(call, address + 4)
    return_to = branch_target(back, address + 12)
    if call_target is None or return_to is None:
        return None
    return OolStub(address, call_target, return_to)


def decode_stub(words: Sequence[int], address: int) -> Stub:
    """
    Decode a stub or trampoline.

    >>> words = (0xE98D0010, 0x3D8CFF98, 0x398C5BA8, 0x7D8903A6, 0x4E800420)
    >>> decode_stub(words, 0xC008000000140640).kind.value
    "finds its target through the paca's kernel TOC"

    :param words: its first words; ``STUB_ENTRY_SIZE // 4`` are ample
    :param address: of the first word
    """
    if decode_ool_stub(words, address) is not None:
        return _stub(StubKind.OUT_OF_LINE, address, length=4 * OOL_STUB_WORDS)
    replayed = replay(words, address)
    target = replayed.target
    if target is None or replayed.link:
        return _stub(StubKind.UNKNOWN, address, length=0)
    length = sum(4 * len(step.words) for step in replayed.steps)
    if isinstance(target, int):
        kind = StubKind.LONG_BRANCH if is_b(words[0]) else StubKind.UNKNOWN
        if any(is_prefix(step.words[0]) for step in replayed.steps):
            kind = StubKind.PCREL
        return _stub(kind, address, length=0 if kind is StubKind.UNKNOWN else length)
    return _by_unknown(replayed, target, address, length)


def _by_unknown(replayed: ReplayResult, target: Value, address: int, length: int) -> Stub:
    """Name a stub after the unknown in its target."""
    saves_toc = any(STD_R2_24_R1 in step.words[:1] for step in replayed.steps)
    source = target.base
    if not isinstance(source, Memory):
        return _stub(StubKind.UNKNOWN, address, length=0)
    pointer = source.address
    if isinstance(pointer, int):
        return _stub(StubKind.PCREL, address, length=length, saves_toc=saves_toc)
    if pointer.base == "r2" and target.offset == 0:
        return Stub(
            kind=StubKind.R2_RELATIVE,
            address=address,
            needs="r2",
            toc_offset=pointer.offset,
            paca_offset=None,
            saves_toc=saves_toc,
            length=length,
            right_r2=_right_r2(replayed, address, pointer.offset),
        )
    if pointer.base == "r13":
        prefixed = any(is_prefix(step.words[0]) for step in replayed.steps)
        return Stub(
            kind=StubKind.PCREL_KERNEL_BASE if prefixed else StubKind.KERNEL_TOC,
            address=address,
            needs="kernel-base" if prefixed else "kernel-toc",
            toc_offset=target.offset,
            paca_offset=pointer.offset,
            saves_toc=saves_toc,
            length=length,
            right_r2=None,
        )
    return _stub(StubKind.UNKNOWN, address, length=0)


def _stub(kind: StubKind, address: int, *, length: int, saves_toc: bool = False) -> Stub:
    """Make a stub that needs nothing, or nothing known."""
    return Stub(
        kind=kind,
        address=address,
        needs=None,
        toc_offset=None,
        paca_offset=None,
        saves_toc=saves_toc,
        length=length,
        right_r2=None,
    )


def _right_r2(replayed: ReplayResult, address: int, toc_offset: int) -> int | None:
    """
    Compute the r2 that leads a module's stub to its own funcdata.

    Only a module's stub forms its own address, in r11, and loads from 32 behind it; the linker's
    stubs, which load from a table, do not.
    """
    for step in replayed.steps:
        if step.words[0] == LD_R12_32_R11:
            return (address + FUNCDATA_OFFSET - toc_offset) & MASK64
    return None


def stub_target(
    stub: Stub,
    words: Sequence[int],
    *,
    r2: int | None = None,
    kernel_toc: int | None = None,
    kernel_base: int | None = None,
    load: Callable[[int], int] | None = None,
) -> int | None:
    """
    Compute where a stub goes.

    >>> words = (0xE98D0010, 0x3D8CFF98, 0x398C5BA8, 0x7D8903A6, 0x4E800420)
    >>> stub = decode_stub(words, 0xC008000000140640)
    >>> hex(stub_target(stub, words, kernel_toc=0xC000000002A00000))
    '0xc000000002385ba8'
    >>> stub_target(stub, words) is None  # that cannot be told without the kernel's TOC
    True

    :param words: those that the stub was decoded from; memory among them is not asked for
    :param r2: what r2 holds when the stub is reached, for R2_RELATIVE
    :param kernel_toc: ``paca->kernel_toc``, for KERNEL_TOC
    :param kernel_base: ``paca->kernelbase``, for PCREL_KERNEL_BASE
    :param load: returns the u64 at an address, or raises
        :exc:`klp_debug.ppc64le.replay.LoadError`; any other exception passes through
    :return: the target (for OUT_OF_LINE, of its call); None if something needed is not given or
        cannot be read
    """

    def load_here_first(address: int) -> int:
        index, misaligned = divmod(address - stub.address, 4)
        if not misaligned and 0 <= index < len(words) - 1:
            return words[index] | words[index + 1] << 32
        if load is None:
            raise LoadError("no memory given")
        return load(address)

    registers = {} if r2 is None else {"r2": r2}
    target: Number | None
    target = replay(words, stub.address, registers=registers, load=load_here_first).target
    if isinstance(target, Value) and stub.paca_offset is not None:
        held = kernel_toc if stub.needs == "kernel-toc" else kernel_base
        return None if held is None else (held + target.offset) & MASK64
    return target if isinstance(target, int) else None
