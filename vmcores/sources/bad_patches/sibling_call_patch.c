// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: the replacement ends in a sibling call that leaves the module. */
#include "one_function.h"

int sibling_call(void);

asm(
"	.pushsection .text\n"
"	.globl	sibling_call\n"
"	.type	sibling_call,@function\n"
"	.balign	16\n"
"sibling_call:\n"
"0:	addis	2,12,.TOC.-0b@ha\n"
"	addi	2,2,.TOC.-0b@l\n"
"	.localentry sibling_call,.-sibling_call\n"
"	b	strnlen\n"
"	.size	sibling_call,.-sibling_call\n"
"	.popsection\n"
);

ONE_FUNCTION(NULL, .old_name = "cmdline_proc_show", .new_func = sibling_call);
