# SPDX-License-Identifier: GPL-2.0-or-later
"""The sections of modules, against what drgn finds of them in the same memory."""

import pytest

from klp_debug.kernel.module import for_each_module, module_sections
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.support.every_kernel import on_every_kernel
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab


@on_every_kernel("patched")
def test_they_are_those_that_drgn_finds(captures: CaptureSet) -> None:
    options = TargetOptions(core=captures.path("qemu-elf"), symbols=(captures.image.vmlinux,))
    prog = open_target(options).prog
    modules = list(for_each_module(prog))
    assert len(modules) == len(captures.oracle.modules)
    for module in modules:
        known = prog.linux_kernel_loadable_module(module).section_addresses
        assert module_sections(module) == dict(known)
        assert ".stubs" in known
