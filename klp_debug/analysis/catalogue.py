# SPDX-License-Identifier: GPL-2.0-or-later
"""
The catalogue of findings: what each id means, what shows it and what to do about it.

docs/findings.md is made of it: ``make docs``.
"""

from klp_debug.result.common import FindingKind, kinds_in

SITE_RECORD_MISMATCH = FindingKind(
    id="site-record-mismatch",
    severity="error",
    meaning="The site is idle and its ftrace record has ENABLED, or the site is armed and its"
    " record has not.",
    shows="The site's address, word and state, and the flags in its record.",
    action="Enable or disable no tracer or patch on this function: ftrace_replace_code() compares"
    " the word before it writes, and where it differs ftrace shuts itself off until reboot."
    " ftrace writes both together, under its mutex, so it was not ftrace, unless a CPU was stopped"
    " in ftrace_replace_code(): see in `bt` whether one was. A guess: a debugger disarmed the site,"
    " or a write went astray. Put the word back that the record asks for.",
)
SITE_UNKNOWN_WORD = FindingKind(
    id="site-unknown-word",
    severity="error",
    meaning="The word at the site is neither idle (a nop) nor a call of ftrace.",
    shows="The site's address and word.",
    action="Compare it with the function in vmlinux or in the .ko. A breakpoint is a trap: 7fe00008"
    " is xmon's, 7d821008 is KGDB's and GDB's; a kprobe puts none on a site. Have it taken away"
    " before a tracer or patch on this function changes: ftrace would shut itself off.",
)
SITE_WRONG_TARGET = FindingKind(
    id="site-wrong-target",
    severity="error",
    meaning="The site's call does not lead to ftrace_caller or ftrace_regs_caller, or it does not"
    " go through the site's own out-of-line stub.",
    shows="The site's address and word, or its out-of-line stub, and where the call goes.",
    action="A call of this function runs what is there instead of its tracers and patches. `site`"
    " follows the call link by link; find out whose code the target is and who wrote the call.",
)
SITE_WRONG_TRAMPOLINE = FindingKind(
    id="site-wrong-trampoline",
    severity="error",
    meaning="The site's call leads to ftrace_caller where ftrace_regs_caller must be called, or the"
    " other way round. REGS_EN in the record decides; the kernel's own ftrace_tramps always lead"
    " to ftrace_regs_caller.",
    shows="The site's call, the trampoline that it leads to, the flags in its record, and the"
    " trampoline that they ask for.",
    action="Through ftrace_caller an ops that needs all registers (SAVE_REGS: a kprobe's, and a"
    " live patch's before 5.18) does not get them. ftrace writes the site and REGS_EN together, so"
    " a write from elsewhere is the best guess: `site` shows the site, the stub and the record.",
)
SITE_WRONG_OPS = FindingKind(
    id="site-wrong-ops",
    severity="error",
    meaning="The ftrace_ops that the site's out-of-line stub points to is not the one that its"
    " record asks for: ftrace_nop_ops where the site is idle, the only ops that wants it where the"
    " record has CALL_OPS_EN, else ftrace_list_ops.",
    shows="The address of the pointer, the ftrace_ops that it holds, and the one that it should"
    " hold.",
    action="If the site is armed, a call of this function runs the callback of that ops only, or"
    " nothing. The pointer is in kernel text, where only ftrace_rec_set_ops() writes. The next"
    " tracer or patch that is enabled or disabled on this function sets it right.",
)
STUB_CORRUPT = FindingKind(
    id="stub-corrupt",
    severity="error",
    meaning="The words of a stub are none that the kernel writes, or what is noted beside them"
    " (magic, funcdata) does not fit.",
    shows="The stub's address and words, and what is wrong with them.",
    action="Whatever calls through this stub goes astray. Compare it with the module's other stubs"
    " and with create_stub() and create_ftrace_stub() in arch/powerpc/kernel/module_64.c, and look"
    " for who wrote there. If all stubs are reported, this kernel writes stubs that klp-debug does"
    " not know.",
)
STUB_WRONG_TARGET = FindingKind(
    id="stub-wrong-target",
    severity="error",
    meaning="A stub does not lead where it must: a module's ftrace stub (mod->arch.tramp or"
    " tramp_regs) or the kernel's ftrace_tramp to its ftrace trampoline, any other stub to its"
    " funcdata.",
    shows="The stub's address and words, how many armed sites call it, and where it leads or what"
    " magic, funcdata or TOC say instead.",
    action="Whatever calls through it goes where the stub leads. If armed sites do, disable the"
    " tracers and patches on them before one of their functions is called; else the module that"
    " owns it calls the wrong function: unload it, if you can.",
)
TOC_STUB_ON_LEAF = FindingKind(
    id="toc-stub-on-leaf",
    severity="error",
    meaning="The function is a leaf, which sets no TOC before its site, but the stub that its site"
    " calls finds ftrace_caller through r2. Called from outside its module, r2 is its caller's.",
    shows="The stub's address and words.",
    action="Disable the patch or tracer: the next call from outside the module jumps to whatever"
    " the wrong TOC leads to. Keep both off leaf functions of modules until the kernel has"
    ' "powerpc/module: Create a special stub for ftrace_caller()" (336a7b5dd80a, in v4.6). A kernel'
    " that has it makes no such stub: there, most likely a write from elsewhere did it.",
)
RECORD_OUTSIDE_TEXT = FindingKind(
    id="record-outside-text",
    severity="error",
    meaning="An ftrace record names an address that is neither in the text of the kernel nor in a"
    " module.",
    shows="The address of the record (struct dyn_ftrace).",
    action="Enable and disable no tracer that covers every function: ftrace would write there. The"
    " record is damaged, or it outlived its module, whose records ftrace_release_mod() should have"
    " dropped.",
)
RECORD_FLAGS_MISMATCH = FindingKind(
    id="record-flags-mismatch",
    severity="error",
    meaning="A flag of the site's ftrace record is not what the registered ftrace_ops make of it.",
    shows="The address of the record (struct dyn_ftrace), the flag that is wrong, all its flags,"
    " and how many ftrace_ops want the site.",
    action="The next tracer or patch that is enabled or disabled on this function may write a wrong"
    " word, or compare with one and shut ftrace off. `site` lists the ops that want it; the rules"
    " are those of ftrace_check_record() and __ftrace_hash_rec_update() in kernel/trace/ftrace.c.",
)
OPS_COUNT_MISMATCH = FindingKind(
    id="ops-count-mismatch",
    severity="error",
    meaning="The number of registered ftrace_ops that want the site is not the count in its ftrace"
    " record.",
    shows="The count in the record, and how many ftrace_ops want the site by their filters.",
    action="If the record counts too few, ftrace disarms the site while it is wanted; if too many,"
    " it leaves it armed. The record or a filter hash is damaged: compare `site`, which lists who"
    " wants this site, with `ops`, which lists each filter.",
)
OPS_WRONG_CALLBACK = FindingKind(
    id="ops-wrong-callback",
    severity="error",
    meaning="The callback (func) of a registered ftrace_ops is not the global entry point of any"
    " function, or it is a live patch's ftrace_ops and does not call klp_ftrace_handler.",
    shows="The address of the ftrace_ops, and of its callback.",
    action="The next call of any function that it hooks jumps there. See in `ops` whose it is and"
    " what it hooks; its module may have gone without unregister_ftrace_function(). A live patch"
    " whose ftrace_ops calls ftrace_stub has been switched off from outside, by a debugger: the"
    " original runs until the pointer is put back.",
)
TRAMPOLINE_WRONG_CALL = FindingKind(
    id="trampoline-wrong-call",
    severity="error",
    meaning="The call in an ftrace trampoline (at ftrace_call or ftrace_regs_call) is not of"
    " ftrace_trace_function.",
    shows="The address and word of the call, where it goes, and ftrace_trace_function.",
    action="Every armed site that leads to the trampoline calls the wrong function. ftrace writes"
    " both in update_ftrace_function(): see in `bt` whether a CPU was stopped there. ftrace_kill()"
    " and kernel.ftrace_enabled = 0, which set the variable alone, are ruled out. So a write from"
    " elsewhere is the best guess: look for who wrote the trampoline.",
)
DISARMED_BY_DEBUGGER = FindingKind(
    id="disarmed-by-debugger",
    severity="warning",
    meaning="This function of a live patch is held disarmed: the patch is enabled, and calls of the"
    " function do not run its replacement. No code of the kernel makes that state, and"
    " kernel.ftrace_enabled = 0 is ruled out; most likely a debugger wrote it.",
    shows="The patch, the mechanism, and the address and value that hold it: ops (the callback of"
    " its ftrace_ops is ftrace_stub), redirect (its new_func is that of a patch below it), nop"
    " (klp_func.nop of a function that has a replacement) or site (its mcount site is idle).",
    action="Ask who did it, or see the journal there with `klp-debug status`; `klp-debug undo` or"
    " `klp-debug arm` takes it back. Held by ops, patches that are loaded on top of it do not run"
    " either. Take nop back before the patch is disabled, for the kernel would free what it never"
    " allocated; take site back before any tracer or patch on this function changes, or ftrace"
    " shuts itself off until reboot; take redirect back before a transition, which looks for the"
    " wrong function on the stacks.",
)
FTRACE_DISABLED = FindingKind(
    id="ftrace-disabled",
    severity="error",
    meaning="ftrace has shut itself off (ftrace_kill()) because something was not as it expected.",
    shows="The value of ftrace_disabled.",
    action="Look for 'ftrace bug' or the first warning from kernel/trace/ftrace.c in the kernel"
    " log: it names the site, with the words found and expected. What is armed stays armed, and"
    " patches go on working, but none can be enabled or disabled until reboot.",
)
WILD_BRANCH = FindingKind(
    id="wild-branch",
    severity="error",
    meaning="The kernel crashed where no text is, and the last call was that of an mcount site, of"
    " ftrace's trampoline or of livepatch_handler: the site, a stub behind it, a callback or a"
    " klp_func led astray.",
    shows="NIP, LR and CTR of the CPU that crashed, and each link of the way there.",
    action="See in `site` which link does not fit the next. Do not arm that function again before"
    " the cause is known.",
)
CALLER_TOC_OVERWRITTEN = FindingKind(
    id="caller-toc-overwritten",
    severity="error",
    meaning="A function crashed with another module's TOC in r2. It had taken that back from 24(r1)"
    " after a call of a live-patched function: the stub at the callee's site, or that of a sibling"
    " call at the end of the replacement, had put it there.",
    shows="r2, the TOC that the function needs, where it took r2 back from, the call, and the stub"
    " with its std r2,24(r1).",
    action="Disable the patch before the function is called again. If a sibling call did it, build"
    " the patch anew with -fno-optimize-sibling-calls; if a site's stub did, find who wrote it.",
)
REPLACEMENT_WRONG_TOC = FindingKind(
    id="replacement-wrong-toc",
    severity="error",
    meaning="A replacement crashed with another module's TOC in r2: it was entered behind its TOC"
    " set-up, because its klp_func does not name its global entry point.",
    shows="r2, the TOC that the replacement needs, and where the klp_func says that it begins.",
    action="Disable the patch. new_func must be the function's address as C has it, its global"
    " entry point; if the patch has that, most likely a stray write changed the klp_func.",
)
REPLACEMENT_WRONG_ENTRY = FindingKind(
    id="replacement-wrong-entry",
    severity="error",
    meaning="new_func of a klp_func on a func_stack is not the global entry point of any function."
    " There a function sets its TOC up.",
    shows="The address of the klp_func, and its new_func.",
    action="Disable the patch before the function is called: the replacement would run with the"
    " wrong TOC, or no replacement at all. Find out who wrote new_func.",
)
PATCH_MODULE_GONE = FindingKind(
    id="patch-module-gone",
    severity="error",
    meaning="The klp_func on top of a func_stack lies where modules are loaded, but in none that is"
    " there: the patch's module was removed while functions still lead to it.",
    shows="The klp_ops, where its klp_func would be, and the module that was removed last.",
    action="Any call of the function reads freed memory, and may run it. Nothing can mend that:"
    " reboot. A patch's module must stay until the patch is disabled and its transition complete;"
    " livepatch holds a reference on it for that: find who gave that back, by module_put() or by"
    " rmmod -f.",
)
KLP_RELOCATION_UNRESOLVED = FindingKind(
    id="klp-relocation-unresolved",
    severity="error",
    meaning="A place in a patch that livepatch fills in (by a section .klp.rela.OBJECT) is as the"
    " compiler left it: a pointer that is 0, or a branch to itself.",
    shows="The address of the place, the symbol that it is for, and whether the object is loaded.",
    action="Load the object before the replacement is called, or disable the patch. Let a"
    " replacement use another object's symbols only where that object is sure to be loaded.",
)
R15_CLOBBERED = FindingKind(
    id="livepatch-clobbers-r15",
    severity="error",
    meaning="ftrace_caller does not give r15 back to the caller of a live-patched function"
    " (CVE-2025-38233, Linux 6.13 to 6.15.3). Callers keep values there across calls.",
    shows="The address of ftrace_caller.",
    action="Disable all patches, and load none on this kernel: any caller of a patched function may"
    " go on with a wrong value, and crash far from there. Get a kernel that has"
    ' "powerpc64/ftrace: fix clobbered r15 during livepatching" (cb5b691f8273).',
)
CRASH_IN_REPLACEMENT = FindingKind(
    id="crash-in-replacement",
    severity="error",
    meaning="The kernel crashed in the replacement function of a live patch, or in what it called.",
    shows="The stack of the crash, with the function that was replaced.",
    action="Read the patch's function at that offset: its own code is the first suspect. Disable"
    " the patch if the original can serve until it is mended.",
)
CRASH_IN_LIVEPATCH = FindingKind(
    id="crash-in-livepatch",
    severity="error",
    meaning="The kernel crashed while it ran livepatch's or ftrace's own code: code that loads,"
    " applies, switches or calls a patch. What that code was given comes from a patch.",
    shows="The frames of the crash, with livepatch's or ftrace's among them.",
    action="Look at what the kernel was doing to which patch: see the log's last lines of"
    " livepatch, and the arguments in the registers. Check the patch with `scan`.",
)
CRASH_IN_REMOVED_MODULE = FindingKind(
    id="crash-in-removed-module",
    severity="error",
    meaning="The kernel crashed in module memory where no module is, and the module that was"
    " removed last was a live patch: a task may have returned into its replacement after that was"
    " gone.",
    shows="NIP and LR, the module that was removed last, and the log's lines about it.",
    action="Do not remove the module of a patch while a task may be in it: after a forced"
    " transition never. Look at the log for who forced or removed it.",
)
PATCH_WENT_ASTRAY = FindingKind(
    id="patch-went-astray",
    severity="error",
    meaning="The kernel went to an address where no text is, while a replacement was running: the"
    " task's livepatch stack still has that call, or the patch's own code made the branch.",
    shows="NIP, where the branch was made (CFAR), and the entry of the livepatch stack.",
    action="Read the patch's code where the branch was made: a wrong relocation, a `.fixup` entry,"
    " a function pointer. Disable the patch if the original can serve until it is mended.",
)
OOPS_IN_PATCH = FindingKind(
    id="oops-in-patch",
    severity="error",
    meaning="The kernel oopsed and went on: a task was killed in a patched function, in a"
    " replacement or in livepatch's own code, or in what these had called. What that task held"
    " (locks, memory, references) stays held.",
    shows="When and in which task, the taint, the report's first line and the functions of its"
    " trace that have to do with live patching.",
    action="Read the report in the kernel's log, and the patch's function at that offset. Plan a"
    " reboot: a lock that the task held is never released. Disable the patch if the original can"
    " serve until it is mended.",
)
OBJECT_BARRED = FindingKind(
    id="object-barred",
    severity="warning",
    meaning="A module that a live patch replaces functions of was removed, and the kernel will"
    " refuse to load it again as long as the patch is there: it finds the patch's calls into the"
    ' module relocated already ("Expected nop after call"). Linux 6.3 does not mind, nor does an'
    " older kernel with the fix 37251c7114e1.",
    shows="The patch, the address of such a call, and the word behind it.",
    action="Disable the patch and remove its module, load the object, then load the patch again. Do"
    " not remove modules that a patch of kpatch's has calls into.",
)
TASK_IN_RETIRED_PATCH = FindingKind(
    id="task-in-retired-patch",
    severity="warning",
    meaning="A task is inside of the code of a patch that is applied no more: it was disabled or"
    " replaced, by force, while the task was there. If the module of the patch were removed, the"
    " task would return into memory that is free, and crash the kernel.",
    shows="The task, its innermost frame in the module, and the kernel's references to the module.",
    action="Do not remove the module as long as the task is there: see `list --all`. A forced"
    " transition keeps the kernel's own reference to the module; rmmod -f does not ask for it.",
)
WARNING_IN_PATCH = FindingKind(
    id="warning-in-patch",
    severity="warning",
    meaning="A WARN() of the kernel fired in a patched function, in a replacement or in livepatch's"
    " own code, or in what these had called.",
    shows="When and in which task, the taint, the report's first line and the functions of its"
    " trace that have to do with live patching.",
    action="Read the report in the kernel's log, and the condition at the line that it names. See"
    " whether it fires without the patch as well.",
)
LIVEPATCH_STACK_DAMAGED = FindingKind(
    id="livepatch-stack-damaged",
    severity="error",
    meaning="The marker behind an entry of a task's livepatch stack was overwritten. That stack"
    " grows up from the bottom of the kernel stack: an overflow of either reaches the other.",
    shows="The address of the entry, and what it holds.",
    action="The task traps in livepatch_handler, or returns into nowhere, when the replacement"
    " returns. Look for a deep call chain below the replacement, which overflowed the kernel stack,"
    " or for who wrote to the bottom of that stack.",
)
LIVEPATCH_STACK_OVERFLOW = FindingKind(
    id="livepatch-stack-overflow",
    severity="error",
    meaning="A task's kernel stack and its livepatch stack, which grow towards each other, met:"
    " what is between them is less than ftrace_caller needs for one more call of a patched"
    " function. Nothing in the kernel checks that; each overwrites the other.",
    shows="The bytes between them, how many entries the livepatch stack has, and the first entries"
    " that are damaged.",
    action="The call chain is too deep for the stack: see in `bt` which functions call each other"
    " again and again. Do not patch functions that recurse so deep; each call of a replacement"
    " takes 24 bytes more.",
)

KINDS = kinds_in(globals())
"""All of them, in the order of this file."""
