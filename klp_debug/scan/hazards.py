# SPDX-License-Identifier: GPL-2.0-or-later
"""
The catalogue of hazards: what ``scan`` says of a livepatch module before it is loaded.

docs/findings.md is made of it, too: ``make docs``.
"""

from klp_debug.result.common import FindingKind, kinds_in

# What the kernel answers when such a module is loaded is in each text where it refuses.

OBJECT_NEVER_PATCHED = FindingKind(
    id="object-never-patched",
    severity="error",
    meaning="The klp_object has a name that no module can have, so livepatch waits for it for ever:"
    " vmlinux is meant by NULL, and a module's name has no dash, even if its file's has.",
    shows="The name of the klp_object.",
    action="Write NULL for vmlinux, and the module's name as lsmod shows it. The kernel loads the"
    " patch without a word, and the functions stay as they are.",
)
OBJECT_NOT_GIVEN = FindingKind(
    id="object-not-given",
    severity="warning",
    meaning="Objects that the patch is for were not given, so nothing could be checked of them:"
    " neither that the functions are there and have a site, nor that livepatch finds the symbols.",
    shows="Of each object, how many of its functions are replaced, how many of its symbols"
    " livepatch is to find, and how many of these are static local variables: they have a number"
    " of the compiler's choice, by which another build means another variable.",
    action="Name their files with --against: vmlinux, and the .ko. If there is no module of a"
    " name, the kernel loads the patch without a word, and never patches it.",
)
OTHER_KERNEL = FindingKind(
    id="other-kernel",
    severity="error",
    meaning="The patch was built for another kernel than the object that it is compared with.",
    shows="The vermagic of both.",
    action="The kernel refuses it with 'version magic ... should be ...'. Build the patch against"
    " that kernel, or give --against the files of its own.",
)
ORIGINAL_MISSING = FindingKind(
    id="original-missing",
    severity="error",
    meaning="The object has no function of the name in old_name: it was cloned under another name,"
    " nothing calls it, so that the compiler dropped it, or the name is wrong.",
    shows="The object, what there is of similar names, and what its debugging information knows of"
    " the name.",
    action="The kernel refuses the patch with 'symbol ... not found in symbol table'. Replace the"
    " clone (NAME.isra.0, NAME.constprop.0) by its own name.",
)
ORIGINAL_INLINED = FindingKind(
    id="original-inlined",
    severity="error",
    meaning="The compiler inlined the function everywhere: the object has no code of its own for"
    " it, so neither a symbol nor a site.",
    shows="The functions that have a copy, by the object's debugging information (of a function in"
    " a header, by at most 64 units).",
    action="The kernel refuses the patch with 'symbol ... not found in symbol table'. Replace the"
    " functions that have a copy.",
)
ORIGINAL_ALSO_INLINED = FindingKind(
    id="original-also-inlined",
    severity="warning",
    meaning="The function is there and can be replaced, but some of its callers have a copy of it"
    " inlined, and go on with the old code.",
    shows="The functions of the same compile unit that have a copy, by the object's debugging"
    " information.",
    action="Replace these functions as well, or see that they need not be.",
)
ORIGINAL_AMBIGUOUS = FindingKind(
    id="original-ambiguous",
    severity="error",
    meaning="Several symbols of the object have the name in old_name, and old_sympos is 0, which"
    " says that there is one.",
    shows="Each symbol's position and place.",
    action="The kernel refuses the patch with 'unresolvable ambiguity for symbol'. Set old_sympos"
    " to the position of the one that is meant; 1 is the first.",
)
ORIGINAL_WRONG_POSITION = FindingKind(
    id="original-wrong-position",
    severity="error",
    meaning="The object has fewer symbols of that name than old_sympos says.",
    shows="old_sympos, and each symbol's position and place.",
    action="The kernel refuses the patch with 'symbol position ... not found'. Count the symbols of"
    " that name in the object of this very build: a rebuild may change them.",
)
ORIGINAL_NOTRACE = FindingKind(
    id="original-notrace",
    severity="error",
    meaning="The function has no mcount site, so it cannot be replaced: it is notrace, or in a"
    " section that is not traced. The kernel's headers make every function notrace that is"
    " declared inline, also where the compiler does not inline it.",
    shows="Where the function is, and the proof: the options that its file was compiled with, and"
    " how many of its neighbours have a site; or the section.",
    action="The kernel refuses the patch with 'failed to find location for function'. Replace its"
    " callers instead.",
)
ORIGINAL_TOO_SMALL = FindingKind(
    id="original-too-small",
    severity="error",
    meaning="The function has no mcount site, so it cannot be replaced, and is too small for one:"
    " it is assembler, or its file is compiled without ftrace, which makes functions of one or two"
    " instructions.",
    shows="The function's size, what a site of the object's dialect takes with the return behind"
    " it, and why the compiler made none, if that can be told.",
    action="The kernel refuses the patch with 'failed to find location for function'. Replace its"
    " callers instead.",
)
ORIGINAL_WITHOUT_SITE = FindingKind(
    id="original-without-site",
    severity="error",
    meaning="The function has no mcount site, so it cannot be replaced: it is assembler, in a file"
    " that is compiled without ftrace, or no function at all; or nothing tells why.",
    shows="Where the function is, and what it is, by the object's debugging information.",
    action="The kernel refuses the patch with 'failed to find location for function'. Replace its"
    " callers instead.",
)
ORIGINAL_IN_INIT_TEXT = FindingKind(
    id="original-in-init-text",
    severity="error",
    meaning="The function is in a section of vmlinux that is freed once the kernel has booted.",
    shows="The function's section.",
    action="There is nothing to replace when the patch is loaded, and the kernel refuses it. Undo"
    " what the function did from the patch's own code or callbacks.",
)
ORIGINAL_HAS_CLONES = FindingKind(
    id="original-has-clones",
    severity="warning",
    meaning="The compiler made clones of the function, which some callers call instead of it. These"
    " callers go on with the old code.",
    shows="The names of the clones.",
    action="Replace the clones as well, each by its own name, or the callers.",
)
ORIGINAL_LEAF = FindingKind(
    id="original-leaf",
    severity="note",
    meaning="The function is a leaf of a module: it sets no TOC before its site, so r2 there is its"
    " caller's. A site that calls a stub which needs r2 crashes there.",
    shows="The site's offset.",
    action="Nothing, on a kernel that has 'powerpc/module: Create a special stub for"
    " ftrace_caller()' (336a7b5dd80a, in v4.6): its stub needs no r2. Do not load the patch on one"
    " that has mprofile-kernel without that commit.",
)
ORIGINAL_LEAF_CRASHES = FindingKind(
    id="original-leaf-crashes",
    severity="error",
    meaning="The function is a leaf of a module, which sets no TOC before its site, and the patch"
    " is for a kernel before v4.6: the stub that the site calls there finds ftrace_caller through"
    " r2, which still is the caller's.",
    shows="The site's offset, and the kernel that the patch is for.",
    action="The first call from outside the module crashes. Patch the callers instead, unless the"
    " kernel has 'powerpc/module: Create a special stub for ftrace_caller()' (336a7b5dd80a).",
)
REPLACEMENT_MISSING = FindingKind(
    id="replacement-missing",
    severity="error",
    meaning="new_func leads to no function of this module.",
    shows="Where it leads.",
    action="The kernel refuses a NULL with EINVAL; anything else is run. Set new_func to a function"
    " of the patch.",
)
REPLACEMENT_NOT_AT_ENTRY = FindingKind(
    id="replacement-not-at-entry",
    severity="error",
    meaning="new_func leads behind a function's global entry point, so behind its TOC set-up.",
    shows="Where it leads.",
    action="The kernel does not check it: the replacement would run with the TOC of whoever called"
    " the original. Use the function's address as C has it.",
)
REPLACEMENT_SIBLING_CALL = FindingKind(
    id="replacement-sibling-call",
    severity="error",
    meaning="The replacement ends in a sibling call of a function outside the patch. The stub of"
    " that call saves r2 at 24(r1), which by then is the frame of the original's caller: where"
    " that had put its own TOC, the patch's is now.",
    shows="The branch, and where it goes.",
    action="The caller goes on with the wrong TOC and crashes later, elsewhere. Build the patch"
    " with -fno-optimize-sibling-calls (kpatch #1002 refuses such calls).",
)
SIBLING_CALLS_ALLOWED = FindingKind(
    id="sibling-calls-allowed",
    severity="note",
    meaning="The patch was compiled without -fno-optimize-sibling-calls, so that the compiler may"
    " end a replacement in a sibling call of a function of the same file, which a tool like"
    " kpatch-build then makes one of another module.",
    shows="The compiler's own record of its options.",
    action="Add -fno-optimize-sibling-calls to the flags of the patch.",
)
CALL_WITHOUT_NOP = FindingKind(
    id="call-without-nop",
    severity="error",
    meaning="A call of a function outside the module is not followed by a nop, in whose place the"
    " module loader puts the restore of r2.",
    shows="The call, and the word behind it.",
    action="The kernel refuses the module with 'Expected nop after call' (before v6.3 'Expect noop"
    " after relocate'; kpatch #757, #773). The compiler took the function for one of the same"
    " file: declare it extern in the patch's source.",
)
BRANCH_TOO_FAR = FindingKind(
    id="branch-too-far",
    severity="error",
    meaning="A branch into the middle of a function is relocated by the function's symbol and an"
    " addend. To such a relocation the module loader adds what the function's local entry point is"
    " behind its global one, so that the branch lands that far behind its target.",
    shows="The branch, where it is to go, and where it will.",
    action="The kernel does not check it: two instructions are left out, as behind a fault that"
    " .fixup mends, on the kernels that have such a section. Relocate the branch by the section's"
    " own symbol, as the assembler does; kpatch-build makes function symbols of these.",
)
SITES_UNLISTED = FindingKind(
    id="sites-unlisted",
    severity="error",
    meaning="Functions were compiled with a site, a call of _mcount or a patchable entry, that no"
    " list of sites names, or there is no list at all: ftrace does not know these sites, so the"
    " functions can be neither traced nor replaced.",
    shows="How many functions have a site, how many the list names, and the first that it lacks.",
    action="Each such call goes on being made, on kernels up to v5.7 through a stub that needs r2"
    " (kpatch #1001), or the kernel says 'Not expected bl: opcode is' (kpatch #1102). Run"
    " recordmcount, as the kernel's build does; that of older kernels lists nothing of a unit that"
    " is compiled with -ffunction-sections.",
)
PATCH_WITHOUT_SITES = FindingKind(
    id="patch-without-sites",
    severity="warning",
    meaning="The patch has no __patchable_function_entries, though its kernel expects"
    " -fpatchable-function-entry.",
    shows="The vermagic.",
    action="No function of the patch can be traced or patched again; kernels from v6.13 may take a"
    " huge size for its out-of-line stubs (eec37961a56a, since mended). Build it by the kernel's"
    " own build system.",
)
NO_KLP_PATCH = FindingKind(
    id="no-klp-patch",
    severity="warning",
    meaning="The module is marked livepatch, but no struct klp_patch is in its data: it makes one"
    " when it runs, and what it replaces is not known before.",
    shows="What kind of module it looks like.",
    action="Check the functions that it replaces by scan of their objects with --functions.",
)
NOT_MARKED = FindingKind(
    id="not-marked-livepatch",
    severity="error",
    meaning="The module has a struct klp_patch, but its .modinfo does not say livepatch=Y.",
    shows="The functions that it would replace.",
    action="The kernel answers 'module ... is not marked as a livepatch module'. Add"
    ' MODULE_INFO(livepatch, "Y") to its source.',
)
KLP_RELOCATION_REFUSED = FindingKind(
    id="klp-relocation-refused",
    severity="error",
    meaning="A relocation that livepatch is to apply, or its symbol, is not as livepatch wants it.",
    shows="The section, the symbol, and the rule of klp_resolve_symbols() that it breaks.",
    action="The kernel refuses the patch, or the object that it is for. Mend the tool that made the"
    " relocation (klp-convert, kpatch-build).",
)
KLP_RELOCATION_OUT_OF_RANGE = FindingKind(
    id="klp-relocation-out-of-range",
    severity="error",
    meaning="A relocation that livepatch is to apply makes a distance of 16, 32 or 34 bits of the"
    " address of another object's symbol: from the patch's TOC or code to there it is farther.",
    shows="The relocation's type and place, and its symbol.",
    action="The kernel refuses it ('bad TOC16 relocation', 'out of range'), or drops the high bits"
    " without a word (TOC16_HA, TOC16_LO). Such an address must come from a doubleword of the"
    " patch's own .toc, as -mcmodel=large makes it.",
)
KLP_TOC_SYMBOL = FindingKind(
    id="klp-toc-symbol",
    severity="error",
    meaning="A TOC, or an entry of one, is a symbol that livepatch is to find in another object."
    " There is none in kallsyms: each module has its own TOC, which is no symbol.",
    shows="The symbol.",
    action="The kernel refuses the patch with 'symbol ... not found in symbol table' (kpatch #859)."
    " The patch must use its own .TOC. and .toc.",
)
KLP_SYMBOL_NOT_FOUND = FindingKind(
    id="klp-symbol-not-found",
    severity="error",
    meaning="The object has no symbol that a .klp.sym name asks for, or not the one of that"
    " position, or several where position 0 says that there is one.",
    shows="The symbol, and what the object has.",
    action="The kernel refuses the patch. Make it anew from the objects of this very build.",
)
OBJECT_RELOAD_REFUSED = FindingKind(
    id="object-reload-refused",
    severity="warning",
    meaning="The patch has calls that livepatch relocates when a module is loaded, and its kernel"
    " is one before v6.3: there that module cannot be loaded a second time while the patch is"
    " loaded.",
    shows="The module, how many calls there are, and the kernel that the patch is for.",
    action="The kernel says 'Expected nop after call, got e8410018' and 'refusing to load module'."
    ' Do not unload the module, unless the kernel has \'powerpc/module_64: Fix "expected nop" error'
    " on module re-patching' (37251c7114e1, in v6.3).",
)
KLP_RELOCATION_LATE = FindingKind(
    id="klp-relocation-late",
    severity="warning",
    meaning="A replacement uses an address that livepatch fills in for another object than the one"
    " whose function it replaces. While that object is not loaded, the place holds 0.",
    shows="The replacement, the place that it uses, and the symbol whose address is to be there.",
    action="The kernel does not check it: called too early, the replacement goes to 0. See that the"
    " object is loaded before the patch, or let the replacement look the symbol up itself.",
)
KERNEL_CLOBBERS_R15 = FindingKind(
    id="kernel-clobbers-r15",
    severity="error",
    meaning="The kernel's ftrace_caller does not give r15 back to the caller of a live-patched"
    " function (CVE-2025-38233, Linux 6.13 to 6.15.3).",
    shows="The address of ftrace_caller.",
    action="Load no patch on this kernel. Get one that has 'powerpc64/ftrace: fix clobbered r15"
    " during livepatching' (cb5b691f8273).",
)

HAZARDS = kinds_in(globals())
"""All of them, in the order of this file."""
