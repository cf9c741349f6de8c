# SPDX-License-Identifier: GPL-2.0-or-later
"""
Text that the kernel makes while it runs: BPF programs and trampolines, and the slots of kprobes.

It is in no symbol table. ppc64 has no trampolines of ftrace's own that would have to be looked for.
Source: ``kernel_text_address()`` in kernel/extable.c, include/linux/bpf.h, kernel/kprobes.c.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from drgn import Object, Program

from klp_debug.kernel.walk import c_array_string, for_each_list_entry

_SLOTS = ("kprobe_insn_slots", "kprobe_optinsn_slots")


@dataclass(frozen=True, slots=True)
class MadeText:
    """One piece of such text."""

    name: str
    """``bpf_trampoline_6442484920``."""
    start: int
    end: int


def for_each_made_text(prog: Program) -> Iterator[MadeText]:
    """
    Iterate over the text that the kernel made.

    >>> [text.name for text in for_each_made_text(prog)][:2]
    ['bpf_prog_6deef7357e7b4530', 'bpf_trampoline_6442484920']

    :raises WalkError, drgn.FaultError: where a list is damaged or unreadable, after the entries
        before that place
    :raises LookupError: if the kernel keeps it in a form that is not known here
    """
    yield from _for_each_bpf_ksym(prog)
    for cache in _SLOTS:
        yield from _for_each_kprobe_page(prog, cache)


def _for_each_bpf_ksym(prog: Program) -> Iterator[MadeText]:
    try:
        head = prog["bpf_kallsyms"].address_of_()
    except LookupError:  # no CONFIG_BPF_JIT
        return
    try:
        prog.type("struct bpf_ksym")
    except LookupError:
        for aux in for_each_list_entry("struct bpf_prog_aux", head, "ksym_lnode"):
            yield _of_bpf_program(aux)
        return
    for ksym in for_each_list_entry("struct bpf_ksym", head, "lnode"):
        yield MadeText(c_array_string(ksym.name), int(ksym.start), int(ksym.end))


def _of_bpf_program(aux: Object) -> MadeText:
    """
    Return the text of a program, as ``bpf_get_prog_addr_region()`` finds it.

    Kernels that have no ``struct bpf_ksym`` list the programs themselves.
    """
    prog = aux.prog_
    page = int(prog["PAGE_SIZE"])
    start = aux.prog.bpf_func.value_() // page * page
    header = Object(prog, "struct bpf_binary_header", address=start)
    tag = bytes(aux.prog.tag.value_()).hex()
    return MadeText(f"bpf_prog_{tag}", start, start + header.pages.value_() * page)


def _for_each_kprobe_page(prog: Program, cache: str) -> Iterator[MadeText]:
    try:
        head = prog[cache].pages.address_of_()
    except LookupError:  # no CONFIG_KPROBES, or none of that kind
        return
    size = int(prog["PAGE_SIZE"])
    for page in for_each_list_entry("struct kprobe_insn_page", head, "list"):
        start = int(page.insns.value_())
        yield MadeText("kprobe_insn_slot", start, start + size)
