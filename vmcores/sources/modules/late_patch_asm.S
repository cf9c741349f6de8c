/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * int late_call(u8 *buf, int buf_len, u64 info)
 *
 * Calls scsi_common's scsi_set_sense_information(). The branch is alone in its
 * section, whose one relocation klp_convert.py makes livepatch's own: it is
 * applied when scsi_common is loaded, by a stub of the patch's module, and the
 * nop behind it becomes ld r2,24(r1).
 */
	.section _klp_scsi_common_t,"ax",@progbits
	.p2align 4
	.globl late_call
	.type late_call, @function
late_call:
	mflr	0
	std	0,16(1)
	stdu	1,-32(1)
	bl	scsi_set_sense_information
	nop
	addi	1,1,32
	ld	0,16(1)
	mtlr	0
	blr
	.size late_call, . - late_call
