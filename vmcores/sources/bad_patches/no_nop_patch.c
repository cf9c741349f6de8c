// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: behind a call that leaves the module there is no nop for the restore of r2. */
#include "one_function.h"

int no_nop(void);

asm(
"	.pushsection .text\n"
"	.globl	no_nop\n"
"	.type	no_nop,@function\n"
"	.balign	16\n"
"no_nop:\n"
"0:	addis	2,12,.TOC.-0b@ha\n"
"	addi	2,2,.TOC.-0b@l\n"
"	.localentry no_nop,.-no_nop\n"
"	mflr	0\n"
"	std	0,16(1)\n"
"	stdu	1,-32(1)\n"
"	bl	strnlen\n"
"	addi	1,1,32\n"
"	ld	0,16(1)\n"
"	mtlr	0\n"
"	blr\n"
"	.size	no_nop,.-no_nop\n"
"	.popsection\n"
);

ONE_FUNCTION(NULL, .old_name = "cmdline_proc_show", .new_func = no_nop);
