# SPDX-License-Identifier: GPL-2.0-or-later
"""Loaded modules of a fake kernel: their memory, symbols, sections and stubs."""

import struct

from tests.support.fake_kernel import BareKernel, Struct
from tests.support.instructions import PCREL_STUB, kernel_base_stub, kernel_toc_stub, r2_stub
from tests.support.kernel_structs import MPROFILE, Build
from tests.support.made_object import FUNC, NOTYPE, OBJECT
from tests.support.paged_memory import KERNEL, PAGE

STUB_MAGIC = 0x73747562
STUB_SIZE = 40
_FIRST = 0xC008000000000000
_REGION = 0x100000
"""Bytes of each module."""
_TEXT, _OOL, _STUBS, _DATA, _TOC, _SYMBOLS, _STRINGS = (
    0x1000, 0x40000, _REGION // 2 - PAGE, _REGION // 2, 0xC0000, 0xC1000, _REGION - PAGE,
)  # fmt: skip
"""Where in its memory a module has what."""
_LETTERS = {FUNC: ord("t"), OBJECT: ord("d"), NOTYPE: ord("?")}
"""What Linux before 5.0 writes over ``st_info``."""


class FakeModule:
    """One module; its first two stubs lead to ftrace's trampolines."""

    def __init__(self, kernel: "ModuleKernel", name: str, base: int) -> None:
        self._kernel = kernel
        self.name = name
        self.base = base
        self.toc = base + _TOC + 0x8000
        self.next_function = base + _TEXT
        self.next_ool_stub = base + _OOL
        self._next_data = base + _DATA
        self._symbols: list[tuple[str, int, int, int, int]] = []
        self.struct = kernel.new("module", name=name.encode())
        self.struct["refcnt.counter"] = 1
        # Text and data are apart, as they are since 6.4, so that stubs and strings end each.
        for number, layout in enumerate(("core_layout", "init_layout")):
            self.struct[f"{layout}.base"] = base + number * _REGION // 2
            self.struct[f"{layout}.size"] = _REGION // 2
        for area in (_TOC, _SYMBOLS, _STRINGS, _STUBS):
            kernel.memory.write(base + area, bytes(PAGE))
        self.kallsyms = kernel.new("mod_kallsyms", symtab=base + _SYMBOLS, strtab=base + _STRINGS)
        self.struct["kallsyms"] = self.kallsyms
        sections = {".text": base + _TEXT, ".stubs": base + _STUBS, ".toc": base + _TOC}
        self.sections = self._sections(sections)
        self.struct["sect_attrs"] = self.sections
        self._stubs = 0
        self.tramp = self.ftrace_stub("ftrace_caller")
        self.struct["arch.tramp"] = self.tramp
        if kernel.build.linux_4_12:
            self.tramp_regs = self.tramp
        else:
            self.tramp_regs = self.ftrace_stub("ftrace_regs_caller")
            self.struct["arch.tramp_regs"] = self.tramp_regs
        self._write_symbols()

    def new(self, tag: str, **members: "int | bytes | Struct") -> Struct:
        """Make a structure in its data, on a page that the structure has for itself."""
        made = Struct(self._kernel, tag, self._next_data)
        self._kernel.memory.write(self._next_data, bytes(PAGE))
        self._next_data += PAGE
        for name, value in members.items():
            made[name] = value
        return made

    def array(self, tag: str, count: int) -> "list[Struct]":
        """Make an array of structures in its data, which one of zeros ends."""
        size = self._kernel.layouts[tag].size
        start, length = self._next_data, -(-size * (count + 1) // PAGE) * PAGE
        self._kernel.memory.write(start, bytes(length))
        self._next_data += length
        return [Struct(self._kernel, tag, start + number * size) for number in range(count)]

    def move_toc(self, offset: int, *, rounded: bool) -> None:
        """
        Let its TOC begin some bytes later; stubs and functions that are made then go by that.

        :param rounded: whether its loader rounds down to 256 bytes, as it does since 4.20
        """
        section = self.base + _TOC + offset
        # The third of its sections (see above).
        third = self.sections.at("attrs") + 2 * self._kernel.layouts["module_sect_attr"].size
        Struct(self._kernel, "module_sect_attr", third)["address"] = section
        self.toc = (section - section % 256 if rounded else section) + 0x8000

    def symbol(self, name: str, address: int, size: int, st_other: int, kind: int = FUNC) -> None:
        """Add a symbol to the table that the kernel keeps."""
        self._symbols.append((name, address, size, kind, st_other))
        self._write_symbols()

    def ftrace_stub(self, trampoline: str) -> int:
        """Add a stub as ``create_ftrace_stub()`` makes it; return its address."""
        kernel = self._kernel
        target = kernel.address(trampoline)
        if kernel.build.pcrel:
            at = kernel.paca.at("kernelbase") - kernel.paca.address
            words = kernel_base_stub(at, target - KERNEL)
        else:
            at = kernel.paca.at("kernel_toc") - kernel.paca.address
            words = kernel_toc_stub(at, target - kernel.kernel_toc)
        return self._add_stub(words, target)

    def stub(self, target: int) -> int:
        """Add an ordinary stub, as ``create_stub()`` makes it; return its address."""
        words = (
            PCREL_STUB if self._kernel.build.pcrel else r2_stub(self.stub_at(self._stubs), self.toc)
        )
        return self._add_stub(words, target)

    def stub_at(self, index: int) -> int:
        """Return the address of a stub."""
        return self.base + _STUBS + index * STUB_SIZE

    def put_stub(self, address: int, words: tuple[int, ...], target: int) -> None:
        """Write a stub's instructions, magic and funcdata."""
        padded = [*words, *[0] * (7 - len(words)), STUB_MAGIC]
        self._kernel.put_words(address, *padded)
        self._kernel.put_u64(address + 32, target)

    def lose_stubs(self) -> None:
        """Take the page of its stubs away."""
        self._kernel.memory.lose(self.base + _STUBS)

    def _add_stub(self, words: tuple[int, ...], target: int) -> int:
        address = self.stub_at(self._stubs)
        self._stubs += 1
        self.put_stub(address, words, target)
        return address

    def _sections(self, sections: dict[str, int]) -> Struct:
        kernel = self._kernel
        attributes = kernel.new("module_sect_attrs", nsections=len(sections))
        size = kernel.layouts["module_sect_attr"].size
        for index, (name, address) in enumerate(sections.items()):
            at = attributes.at("attrs") + index * size
            one = Struct(kernel, "module_sect_attr", at)
            one["name" if kernel.build.linux_4_12 else "battr.attr.name"] = kernel.string(name)
            one["address"] = address
        return attributes

    def _write_symbols(self) -> None:
        strings, data = b"\0", bytes(24)
        for name, address, size, kind, st_other in self._symbols:
            info = _LETTERS[kind] if self._kernel.build.linux_4_12 else kind
            data += struct.pack("<IBBHQQ", len(strings), info, st_other, 1, address, size)
            strings += name.encode() + b"\0"
        memory = self._kernel.memory
        memory.write(self.base + _STRINGS, strings)
        memory.write(self.base + _SYMBOLS, data)
        self.kallsyms["num_symtab"] = len(self._symbols) + 1


class ModuleKernel(BareKernel):
    """A kernel with a TOC in its paca and a list of modules."""

    def __init__(self, build: Build = MPROFILE) -> None:
        super().__init__(build)
        self.kernel_toc = 0xC000000000A08000
        self.paca = self.new("paca_struct", kernelbase=KERNEL, lock_token=0x8000)
        if not build.pcrel:
            self.paca["kernel_toc"] = self.kernel_toc
        if build.linux_4_12:
            self.variable("paca", "struct paca_struct *", self.paca.address)
        else:
            pointers = self.allocate(8)
            self.put_u64(pointers, self.paca.address)
            self.variable("paca_ptrs", "struct paca_struct **", pointers)
        self.modules: dict[str, FakeModule] = {}
        self._modules = self.variable("modules", "struct list_head")
        self.link(self._modules)

    def module(self, name: str) -> FakeModule:
        """Return a module, which is loaded if it is not yet."""
        if name not in self.modules:
            made = FakeModule(self, name, _FIRST + len(self.modules) * _REGION)
            self.modules[name] = made
            self._link_modules()
        return self.modules[name]

    def unload(self, name: str) -> None:
        """Take a module off the list; its memory stays."""
        del self.modules[name]
        self._link_modules()

    def _link_modules(self) -> None:
        nodes = [module.struct.at("list") for module in self.modules.values()]
        self.link(self._modules, *nodes)
