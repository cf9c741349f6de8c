# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a stack frame holds, and that of an exception.

Source: arch/powerpc/include/asm/ptrace.h; the ELFv2 ABI, section 2.2.2.
"""

import struct
from dataclasses import dataclass

from drgn import Program

STACK_FRAME_LR_SAVE = 16
"""In bytes from the beginning of a frame."""
STACK_FRAME_MIN_SIZE = 32
"""Bytes of a frame that holds nothing else."""
STACK_FRAME_REGS_MARKER = 0x53474552
"""``REGS``, beside the registers that an exception saved."""
REGS_MARKERS = (32, 96)
"""
Where that is, in bytes from the beginning of the frame: at 96 in 6.1 (``STACK_FRAME_MARKER``), at
32 in 6.12 (``STACK_INT_FRAME_MARKER``), whose frames are smaller. No type tells which.
"""
REGS_BEHIND_MARKER = 16
"""Where ``struct pt_regs`` is, in bytes from the marker."""
HEAD_SIZE = 104
"""Bytes from the beginning of a frame that hold its LR and each marker."""
_REGISTERS = struct.Struct("<37Q")
"""Of ``struct pt_regs``: gpr[32], nip, msr, orig_gpr3, ctr, link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionRegisters:
    """What an exception saved of the kernel code that it interrupted."""

    gpr: tuple[int, ...]
    """r0 to r31."""
    nip: int
    msr: int
    link: int


def regs_marker(head: bytes) -> int | None:
    """
    Return where STACK_FRAME_REGS_MARKER is in a frame, in bytes; None if it is of no exception.

    :param head: the frame's first :data:`HEAD_SIZE` bytes
    """
    for offset in REGS_MARKERS:
        if struct.unpack_from("<Q", head, offset)[0] == STACK_FRAME_REGS_MARKER:
            return offset
    return None


def exception_registers(prog: Program, sp: int) -> ExceptionRegisters | None:
    """
    Return the registers in the frame of an exception; None if the frame is of none.

    >>> exception_registers(prog, task_ksp(task)) is None  # that of _switch()
    True

    :param sp: beginning of the frame
    :raises drgn.FaultError: if it cannot be read
    """
    marker = regs_marker(prog.read(sp, HEAD_SIZE))
    if marker is None:
        return None
    data = prog.read(sp + marker + REGS_BEHIND_MARKER, _REGISTERS.size)
    values = _REGISTERS.unpack(data)
    return ExceptionRegisters(gpr=values[:32], nip=values[32], msr=values[33], link=values[36])
