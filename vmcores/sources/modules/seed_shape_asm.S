/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two functions with the call site of gcc before 6 (-pg -mprofile-kernel):
 *
 *	mflr	r0
 *	std	r0,16(r1)
 *	bl	_mcount
 *
 * Later compilers leave the std out, so the kernel that this is loaded into
 * has no such site of its own. What follows the site is as gcc 4.8.5 compiles
 * it, too: it saves LR a second time and makes a frame even in a function that
 * calls nothing.
 */

/*
 * recordmcount looks into what is compiled from C alone, so each site is
 * listed by hand, in a section with the flags it gives to its own. The label
 * must stay out of kallsyms, where it would end the function before its site.
 */
	.macro	mcount_site
.Lsite\@:
	bl	_mcount
	.pushsection __mcount_loc,"a",@progbits
	.p2align 3
	.quad	.Lsite\@
	.popsection
	.endm

	.text

/*
 * void seed_leaf(u64 lun, u8 out[8])
 *
 * No TOC set-up: one entry point, and its site at +0x8. Word for word the
 * int_to_scsilun() of Linux 4.5-rc1, the padding behind it included.
 */
	.p2align 4
	.globl	seed_leaf
	.type	seed_leaf, @function
seed_leaf:
	mflr	%r0
	std	%r0,16(%r1)
	mcount_site
	mflr	%r0
	std	%r0,16(%r1)
	stdu	%r1,-32(%r1)
	li	%r9,0
	std	%r9,0(%r4)
	li	%r9,4
	mtctr	%r9
	li	%r10,0
1:	rldicl	%r8,%r3,56,8
	mr	%r9,%r4
	stbux	%r8,%r9,%r10
	addi	%r10,%r10,2
	stb	%r3,1(%r9)
	rldicl	%r3,%r3,48,16
	bdnz	1b
	addi	%r1,%r1,32
	ld	%r0,16(%r1)
	mtlr	%r0
	blr
	.size	seed_leaf, .-seed_leaf
	nop
	ori	%r2,%r2,0

/*
 * long seed_toc(void)
 *
 * Sets its TOC up from r12, so its site is at +0x10. Returns a variable that
 * it finds through its TOC: with a wrong one it would return something else.
 */
	.p2align 4
	.globl	seed_toc
	.type	seed_toc, @function
seed_toc:
0:	addis	%r2,%r12,(.TOC.-0b)@ha
	addi	%r2,%r2,(.TOC.-0b)@l
	.localentry seed_toc, .-seed_toc
	mflr	%r0
	std	%r0,16(%r1)
	mcount_site
	mflr	%r0
	std	%r0,16(%r1)
	stdu	%r1,-32(%r1)
	addis	%r9,%r2,seed_toc_value@toc@ha
	ld	%r3,seed_toc_value@toc@l(%r9)
	addi	%r1,%r1,32
	ld	%r0,16(%r1)
	mtlr	%r0
	blr
	.size	seed_toc, .-seed_toc

	.data
	.p2align 3
	.type	seed_toc_value, @object
seed_toc_value:
	.quad	20160126
	.size	seed_toc_value, .-seed_toc_value
