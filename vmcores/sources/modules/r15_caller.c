// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading /proc/r15_caller calls scsi_common's scsi_set_sense_information()
 * with a pointer in r15, and uses that behind the call: r15 is the caller's to
 * keep by the ABI.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

struct kept {
	struct kept *self;
	unsigned long value;
};

unsigned long r15_caller_call(struct kept *kept, u8 *buf, int buf_len);

/* Returns kept->self->value, with KEPT in r15 during the call. */
asm(
"	.pushsection .text\n"
"	.globl	r15_caller_call\n"
"	.type	r15_caller_call,@function\n"
"	.balign	16\n"
"r15_caller_call:\n"
"0:	addis	2,12,.TOC.-0b@ha\n"
"	addi	2,2,.TOC.-0b@l\n"
"	.localentry r15_caller_call,.-r15_caller_call\n"
"	mflr	0\n"
"	std	0,16(1)\n"
"	std	15,-8(1)\n"
"	stdu	1,-64(1)\n"
"	mr	15,3\n"
"	mr	3,4\n"
"	mr	4,5\n"
"	li	5,0\n"
"	bl	scsi_set_sense_information\n"
"	nop\n"
"	ld	4,0(15)\n"
"	ld	3,8(4)\n"
"	addi	1,1,64\n"
"	ld	15,-8(1)\n"
"	ld	0,16(1)\n"
"	mtlr	0\n"
"	blr\n"
"	.size	r15_caller_call,.-r15_caller_call\n"
"	.popsection\n"
);

static struct kept kept = { .self = &kept, .value = 0x15 };

static int r15_caller_show(struct seq_file *m, void *v)
{
	u8 sense[20] = { 0x72 };

	seq_printf(m, "r15_caller %lx\n", r15_caller_call(&kept, sense, sizeof(sense)));
	return 0;
}

static int __init r15_caller_init(void)
{
	if (!proc_create_single("r15_caller", 0444, NULL, r15_caller_show))
		return -ENOMEM;
	return 0;
}

static void __exit r15_caller_exit(void)
{
	remove_proc_entry("r15_caller", NULL);
}

module_init(r15_caller_init);
module_exit(r15_caller_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Keeps a pointer in r15 while it calls scsi_common");
