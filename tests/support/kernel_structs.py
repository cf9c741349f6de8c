# SPDX-License-Identifier: GPL-2.0-or-later
"""
The structures of a kernel that live patching rests on, as its headers have them.

Members that nothing reads are left out, so that offsets are not those of any real kernel: what
reads them asks the types.
"""

from dataclasses import dataclass
from functools import cache

from tests.support.c_types import Layouts


@dataclass(frozen=True, slots=True)
class Build:
    """How a kernel was built."""

    out_of_line: bool = False
    """6.13 and later: each site branches to a stub of its own, which has an ftrace_ops."""
    pcrel: bool = False
    """CONFIG_PPC_KERNEL_PCREL: there is no TOC."""
    livepatch: bool = True
    """CONFIG_LIVEPATCH."""
    replace_sets: bool = False
    """``klp_patch.replace_set`` in place of ``replace``, as posted in May 2026."""
    linux_4_12: bool = False
    """The layouts of that version, the first to have livepatch's consistency model."""


MPROFILE = Build()
OUT_OF_LINE = Build(out_of_line=True)
PCREL = Build(out_of_line=True, pcrel=True)
LINUX_4_12 = Build(linux_4_12=True)
SINCE_4_18 = (MPROFILE, OUT_OF_LINE, PCREL)
"""Those that have a trampoline for all registers, and direct calls."""
BUILDS = (*SINCE_4_18, LINUX_4_12)

_STRUCTS = """
struct list_head { struct list_head *next; struct list_head *prev; };
struct hlist_node { struct hlist_node *next; void *pprev; };
struct hlist_head { struct hlist_node *first; };
struct kobject { char *name; struct list_head entry; struct kobject *parent; };

struct ftrace_hash { unsigned long size_bits; struct hlist_head *buckets; unsigned long count;
    unsigned long flags; };
struct ftrace_func_entry { struct hlist_node hlist; unsigned long ip; unsigned long direct; };
struct ftrace_ops_hash { struct ftrace_hash *notrace_hash; struct ftrace_hash *filter_hash; };

struct attribute { char *name; u16 mode; };
struct bin_attribute { struct attribute attr; unsigned long size; void *private; };
struct module_sect_attr { struct bin_attribute battr; unsigned long address; };
struct module_sect_attrs { unsigned int nsections; struct module_sect_attr attrs[]; };
struct module_layout { void *base; unsigned int size; };
struct mod_kallsyms { void *symtab; unsigned int num_symtab; char *strtab; };
struct ppc64_stub_entry { u32 jump[7]; u32 magic; unsigned long funcdata; };
struct Elf64_Ehdr { u16 e_shnum; };
struct klp_modinfo { struct Elf64_Ehdr hdr; void *sechdrs; char *secstrings; unsigned int symndx; };

struct paca_struct { u16 lock_token; u16 paca_index; unsigned long kernel_toc;
    unsigned long kernelbase; };

struct pt_regs { unsigned long gpr[32]; unsigned long nip; unsigned long msr;
    unsigned long orig_gpr3; unsigned long ctr; unsigned long link; unsigned long xer;
    unsigned long ccr; unsigned long softe; unsigned long trap; unsigned long dar;
    unsigned long dsisr; unsigned long result; };
struct thread_info { int preempt_count; unsigned int cpu; unsigned long *livepatch_sp;
    unsigned long flags; };
struct thread_struct { unsigned long ksp; struct pt_regs *regs; };
struct ftrace_ret_stack { unsigned long ret; unsigned long func; unsigned long *retp; };
struct bpf_ksym { unsigned long start; unsigned long end; char name[56]; struct list_head lnode; };
struct bpf_binary_header { u32 pages; };
struct kprobe_insn_page { struct list_head list; void *insns; };
struct kprobe_insn_cache { struct list_head pages; unsigned long insn_size; };
struct kprobe { struct hlist_node hlist; struct list_head list; void *addr; char *symbol_name;
    unsigned int offset; void *pre_handler; void *post_handler; };
struct kretprobe { struct kprobe kp; void *handler; };
struct trace_event_class { char *system; };
struct trace_event_call { struct trace_event_class *class; char *name; };
struct trace_probe_event { unsigned int flags; struct trace_event_call call; };
struct trace_probe { struct list_head list; struct trace_probe_event *event; };
struct trace_kprobe { struct kretprobe rp; struct trace_probe tp; };
struct trace_array { struct list_head list; char *name; };
struct bpf_prog_aux { u32 id; char name[16]; struct list_head ksym_lnode; struct bpf_prog *prog; };
struct bpf_prog { struct bpf_prog_aux *aux; u8 tag[8]; void *bpf_func; };
struct bpf_link { struct bpf_prog *prog; };
struct bpf_tramp_link { struct bpf_link link; struct hlist_node tramp_hlist; };
struct bpf_tramp_image { void *image; int size; };
struct bpf_trampoline { struct hlist_node hlist; struct hlist_head progs_hlist[3];
    struct bpf_tramp_image *cur_image; };
struct signal_struct { struct list_head thread_head; };
struct task_struct { struct thread_info thread_info; unsigned int __state; void *stack;
    unsigned int flags; int on_cpu; int exit_state; struct list_head tasks; int pid; int tgid;
    char comm[16]; struct signal_struct *signal; struct list_head thread_node; int patch_state;
    unsigned long start_time; unsigned long start_boottime; int curr_ret_stack;
    struct ftrace_ret_stack *ret_stack; struct thread_struct thread; };
union thread_union { unsigned long stack[2048]; };
struct rq { struct task_struct *curr; struct task_struct *idle; };
struct module_name { char name[56]; };
struct cpumask { unsigned long bits[1]; };
struct atomic_t { int counter; };
struct printk_log { u64 ts_nsec; u16 len; u16 text_len; u32 rest; };
"""
_FTRACE = """
struct dyn_arch_ftrace { struct module *mod; };
struct ftrace_ops { void *func; struct ftrace_ops *next; unsigned long flags; void *private;
    struct ftrace_ops_hash local_hash; struct ftrace_ops_hash *func_hash;
    unsigned long trampoline; struct list_head list; void *ops_func; };
struct mod_arch_specific { unsigned long tramp; unsigned long tramp_regs; };
"""
_FTRACE_OUT_OF_LINE = """
struct dyn_arch_ftrace { unsigned long ool_stub; };
struct ftrace_ops { void *func; struct ftrace_ops *next; unsigned long flags; void *private;
    struct ftrace_ops_hash local_hash; struct ftrace_ops_hash *func_hash;
    unsigned long trampoline; struct list_head list; struct list_head subop_list;
    void *ops_func; struct ftrace_ops *managed; unsigned long direct_call; };
struct mod_arch_specific { unsigned long tramp; unsigned long tramp_regs; void *ool_stubs; };
"""
_REST = """
struct dyn_ftrace { unsigned long ip; unsigned long flags; struct dyn_arch_ftrace arch; };
struct ftrace_page { struct ftrace_page *next; struct dyn_ftrace *records; int index; };
struct fgraph_ops { void *entryfunc; void *retfunc; struct ftrace_ops ops; };
struct module { int state; struct list_head list; char name[56];
    struct module_layout core_layout; struct module_layout init_layout;
    struct mod_kallsyms *kallsyms; struct mod_kallsyms core_kallsyms;
    struct module_sect_attrs *sect_attrs; struct mod_arch_specific arch;
    bool klp; struct klp_modinfo *klp_info; struct atomic_t refcnt;
    char *version; char *srcversion; unsigned long taints; };
"""
_LIVEPATCH = """
struct klp_func { char *old_name; void *new_func; unsigned long old_sympos; void *old_func;
    struct kobject kobj; struct list_head node; struct list_head stack_node;
    unsigned long old_size; unsigned long new_size; bool nop; bool patched; bool transition; };
struct klp_shadow { struct hlist_node node; void *rcu; void *obj; unsigned long id; char data[8]; };
struct klp_callbacks { void *pre_patch; void *post_patch; void *pre_unpatch;
    void *post_unpatch; };
struct klp_object { char *name; struct klp_callbacks callbacks; struct kobject kobj;
    struct list_head func_list; struct list_head node; struct module *mod; bool dynamic;
    bool patched; };
struct klp_patch { struct module *mod; bool replace; struct list_head list; struct kobject kobj;
    struct list_head obj_list; bool enabled; bool forced; };
struct klp_ops { struct list_head node; struct list_head func_stack; struct ftrace_ops fops; };
"""

_SINCE_4_12 = (
    # Linux kernel commit ed66f991bb19 ("module: Refactor section attr into bin attribute") (in
    # v5.8)
    ("module_sect_attr { struct bin_attribute battr;", "module_sect_attr { char *name;"),
    # Linux kernel commit ed1cd6deb013 ("powerpc: Activate CONFIG_THREAD_INFO_IN_TASK") (in v5.1),
    # Linux kernel commit 2f064a59a11f ("sched: Change task_struct::state") (in v5.14)
    ("struct thread_info thread_info; unsigned int __state;", "long state;"),
    # Linux kernel commit 20e55025958e ("livepatch: Use lists to manage patches, objects and
    # functions") (in v5.1), and what came with it
    ("void *old_func;", "unsigned long old_addr;"),
    ("struct list_head node; struct list_head stack_node;", "struct list_head stack_node;"),
    ("bool nop; bool patched; bool transition;", "bool immediate; bool patched; bool transition;"),
    ("struct list_head func_list; struct list_head node;", "struct klp_func *funcs;"),
    ("struct module *mod; bool dynamic;", "struct module *mod;"),
    ("struct klp_callbacks callbacks; ", ""),
    ("struct module *mod; bool replace;", "struct module *mod; bool immediate;"),
    (
        "struct list_head obj_list; bool enabled; bool forced;",
        "struct klp_object *objs; bool enabled;",
    ),
    ("unsigned long tramp; unsigned long tramp_regs;", "unsigned long tramp;"),
    (
        "struct bpf_ksym { unsigned long start; unsigned long end; char name[56];"
        " struct list_head lnode; };",
        "",
    ),
)
"""What was otherwise then, and since when it is what it is."""

_RECORD_FLAGS = {
    "ENABLED": 31,
    "REGS": 30,
    "REGS_EN": 29,
    "TRAMP": 28,
    "TRAMP_EN": 27,
    "IPMODIFY": 26,
    "DISABLED": 25,
    "DIRECT": 24,
    "DIRECT_EN": 23,
}
_NEWER_RECORD_FLAGS = {"CALL_OPS": 22, "CALL_OPS_EN": 21, "TOUCHED": 20, "MODIFIED": 19}
_OPS_FLAGS = {
    "ENABLED": 0,
    "DYNAMIC": 1,
    "SAVE_REGS": 2,
    "INITIALIZED": 6,
    "IPMODIFY": 12,
    "PERMANENT": 16,
    "DIRECT": 17,
}


@cache
def layouts(build: Build) -> Layouts:
    """Return the structures of a kernel."""
    ftrace = _FTRACE_OUT_OF_LINE if build.out_of_line else _FTRACE
    livepatch = _LIVEPATCH if build.livepatch else ""
    if build.replace_sets:
        livepatch = livepatch.replace("bool replace;", "unsigned int replace_set;")
    text = _STRUCTS + ftrace + _REST + livepatch
    if build.linux_4_12:
        for now, then in _SINCE_4_12:
            assert now in text
            text = text.replace(now, then)
    if build.out_of_line:
        text = text.replace("struct ftrace_ret_stack *ret_stack", "unsigned long *ret_stack")
    return Layouts(text.replace("unsigned long kernel_toc;", "") if build.pcrel else text)


def flags(build: Build) -> dict[str, dict[str, int]]:
    """Return the enumerations of FTRACE_FL_* and FTRACE_OPS_FL_*: tag -> name -> bit."""
    record = _RECORD_FLAGS | (_NEWER_RECORD_FLAGS if build.out_of_line else {})
    ops = dict(_OPS_FLAGS)
    if build.linux_4_12:
        del record["DIRECT"], record["DIRECT_EN"], ops["PERMANENT"], ops["DIRECT"]
    return {
        "ftrace_fl": {f"FTRACE_FL_{name}": 1 << bit for name, bit in record.items()},
        "ftrace_ops_fl": {f"FTRACE_OPS_FL_{name}": 1 << bit for name, bit in ops.items()},
    }
