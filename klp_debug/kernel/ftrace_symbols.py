# SPDX-License-Identifier: GPL-2.0-or-later
"""
The names of the code that a traced or live-patched call runs through.

Source: arch/powerpc/kernel/trace/ftrace_entry.S (before 6.6 ftrace_mprofile.S),
kernel/trace/ftrace.c, kernel/livepatch/patch.c.
"""

MCOUNT = "_mcount"
"""What the compiler calls at every site; ftrace makes that a nop."""
FTRACE_CALLER = "ftrace_caller"
FTRACE_REGS_CALLER = "ftrace_regs_caller"
TRAMPOLINES = (FTRACE_CALLER, FTRACE_REGS_CALLER)
"""What an armed site calls; the second, for ops with SAVE_REGS, since 4.18."""
CALLS_IN_TRAMPOLINES = {FTRACE_CALLER: "ftrace_call", FTRACE_REGS_CALLER: "ftrace_regs_call"}
"""Trampoline -> the label of the call in it that ftrace patches; a CALL_OPS kernel has none."""
CALL_LABELS = tuple(CALLS_IN_TRAMPOLINES.values())
DISPATCHERS = ("arch_ftrace_ops_list_func", "ftrace_ops_list_func")
"""What a trampoline calls if several ops want the site; the first name since 5.17."""
FTRACE_STUB = "ftrace_stub"
"""A callback that does nothing."""
KLP_FTRACE_HANDLER = "klp_ftrace_handler"
"""Livepatch's callback: it replaces the address that the trampoline returns to."""
KLP_ENABLE_PATCH = "klp_enable_patch"
"""What a live patch calls when it is loaded; a kernel without CONFIG_LIVEPATCH has none."""
LIVEPATCH_HANDLER = "livepatch_handler"
"""Calls the replacement, and saves TOC and LR on the livepatch stack meanwhile."""
RETHOOK_TRAMPOLINES = (
    "arch_rethook_trampoline",
    "__kretprobe_trampoline",
    "kretprobe_trampoline",
)
"""Where a function returns to that a kretprobe or fprobe is on; the first is of newer kernels."""
RETURN_TO_HANDLER = "return_to_handler"
"""Where a function returns to that the function graph tracer follows."""
