# SPDX-License-Identifier: GPL-2.0-or-later
"""An address that is none of the kernel's is an error of a read, whatever the MMU."""

import pytest
from drgn import FaultError, Program

from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.conftest import Captured
from vmcores.build.image import image
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab

OUTSIDE = (0, 0x7FFEC0DE0010, (1 << 62) - 8, 0xBFFFFFFFFFFFFFF8, 0xF000000000000000, (1 << 64) - 16)
"""NULL, a user's stack, below the linear map, vmemmap of old, and the end."""


def fails(prog: Program) -> None:
    for address in OUTSIDE:
        with pytest.raises(FaultError):
            prog.read(address, 8)


@pytest.mark.parametrize("mmu", ["radix", "hash"])
@pytest.mark.parametrize("kind", ["kdump", "elf"])
def test_of_a_dump(captured: Captured, kind: str, mmu: str) -> None:
    captures = captured("patched", mmu, "6.1")
    core, vmlinux = captures.path(kind), captures.image.vmlinux
    with open_target(TargetOptions(core=core, symbols=(vmlinux,))) as target:
        fails(target.prog)


@pytest.mark.parametrize("mmu", ["radix", "hash"])
def test_of_a_guest(mmu: str) -> None:
    with booted_guest(image("6.1"), mmu) as guest:
        options = TargetOptions(qemu=str(guest.qmp_socket), symbols=(guest.image.vmlinux,))
        with open_target(options) as target:
            fails(target.prog)
