# SPDX-License-Identifier: GPL-2.0-or-later
"""The registers of a crash: those that live patching is about first, then all others."""

from dataclasses import dataclass

from klp_debug.result.address import Address
from klp_debug.result.registers import Registers

_FIRST = (0, 1, 2, 12)
"""LR on its way to the stack, the stack, the TOC, and the address of what was called."""

Named = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RegisterGroups:
    """Names and values, the latter as hexadecimal digits."""

    first: Named
    others: Named


def register_groups(registers: Registers) -> RegisterGroups:
    """Return the registers that matter, and the rest; none of them twice."""
    gprs = [(f"r{number}", value.bare) for number, value in enumerate(registers.gpr)]
    trap = [] if registers.trap is None else [("TRAP", f"{int(registers.trap):04x}")]
    special = _known(
        ("NIP", registers.nip),
        ("LR", registers.link),
        ("CTR", registers.ctr),
        ("DAR", registers.dar),
        ("CFAR", registers.cfar),
    )
    rare = _known(
        ("MSR", registers.msr),
        ("XER", registers.xer),
        ("CR", registers.ccr),
        ("DSISR", registers.dsisr),
    )
    return RegisterGroups(
        first=(*special, *trap, *(gprs[number] for number in _FIRST)),
        others=(*(gpr for number, gpr in enumerate(gprs) if number not in _FIRST), *rare),
    )


def _known(*registers: tuple[str, Address | None]) -> list[tuple[str, str]]:
    return [(name, value.bare) for name, value in registers if value is not None]
