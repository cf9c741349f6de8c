# SPDX-License-Identifier: GPL-2.0-or-later
"""A capture of scenario 'patched' to put faults into, and where to put them."""

import struct
from dataclasses import dataclass
from typing import cast

from drgn import Object, offsetof

from klp_debug.kernel.livepatch import for_each_klp_ops
from klp_debug.kernel.module import for_each_module
from klp_debug.result.audit import Audit
from klp_debug.result.func import RecordResult
from klp_debug.result.site import SiteReport
from tests.support.compiled_sites import compiled_sites
from tests.support.damaged import DamagedCapture
from tests.support.sure import whole
from vmcores.scenarios.capture import CaptureSet

MODULES = {"int_to_scsilun": "scsi_common", "cmdline_proc_show": None, "meminfo_proc_show": None}
"""A leaf function and one with a TOC, both armed, and an idle one -> module."""


@dataclass(frozen=True)
class Patient:
    """The capture; addresses are by kallsyms, by the ELF files, or read as drgn reads them."""

    captures: CaptureSet
    damaged: DamagedCapture

    @property
    def out_of_line(self) -> bool:
        return self.captures.kernel.startswith("7.2")

    @property
    def pcrel(self) -> bool:
        return self.captures.kernel == "7.2-pcrel"

    def kallsyms(self, name: str, module: str | None = None) -> int:
        return self.captures.oracle.address(name, module)

    def _offset(self, name: str) -> int:
        image, module = self.captures.image, MODULES[name]
        path = image.vmlinux if module is None else image.modules / f"{module}.ko"
        offset = compiled_sites(path).offset(name)
        assert offset is not None
        return offset

    def site(self, name: str) -> int:
        """Return the address of a function's site."""
        return self.kallsyms(name, MODULES[name]) + self._offset(name)

    def label(self, name: str) -> str:
        """Return a site as the kernel's %pS prints its address."""
        offset, module = self._offset(name), MODULES[name]
        return name + (f"+{offset:#x}" if offset else "") + (f" [{module}]" if module else "")

    def found(self) -> list[tuple[str, str]]:
        """Return what audit finds: (id, subject) of each finding."""
        answer = cast(Audit, self.damaged.answer("audit"))
        assert answer.problems == ()
        return [(finding.id, finding.subject) for finding in whole(answer.findings)]

    def record(self, name: str) -> RecordResult:
        return cast(SiteReport, self.damaged.answer("site", site=name)).record

    def put_flags(self, name: str, flags: int) -> None:
        """Write the flags of a record, the doubleword behind its ip."""
        self.damaged.put(int(self.record(name).address) + 8, flags)

    def word(self, address: int) -> int:
        return int(self.damaged.prog.read_u32(address))

    def put_word(self, address: int, word: int) -> None:
        self.damaged.put_bytes(address, struct.pack("<I", word))

    def put_call(self, name: str, target: int) -> None:
        """Write what an armed site calls: into its own word, or into its out-of-line stub."""
        at = self.ool_stub(name) + 4 if self.out_of_line else self.site(name)
        assert self.word(at) & 0xFC000003 == 0x48000001  # bl
        self.put_word(at, 0x48000001 | (target - at) & 0x03FFFFFC)

    def ool_stub(self, name: str) -> int:
        stub = self.record(name).ool_stub
        assert stub is not None
        return int(stub)

    def module(self, name: str) -> Object:
        modules = for_each_module(self.damaged.prog)
        return next(module for module in modules if module.name.string_() == name.encode())

    def tramp(self, member: str = "tramp") -> int:
        """Return the stub of scsi_common that leads to ftrace_caller, or another member's."""
        return int(self.module("scsi_common").arch.member_(member).value_())

    def stub_member(self, member: str) -> int:
        """Return where a member is in a module's stub, in bytes."""
        return int(offsetof(self.damaged.prog.type("struct ppc64_stub_entry"), member))

    def klp_ops(self, name: str) -> Object:
        """Return the struct klp_ops of a patched function, by its func_stack."""
        prog, address = self.damaged.prog, self.kallsyms(name, MODULES[name])
        node_at = offsetof(prog.type("struct klp_func"), "stack_node")
        for ops in for_each_klp_ops(prog):
            top = ops.func_stack.next.value_() - node_at
            if Object(prog, "struct klp_func *", top).old_func.value_() == address:
                return ops
        raise AssertionError(name)
