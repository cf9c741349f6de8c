// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kprobe with a post_handler on the entry of int_to_scsilun. Such a kprobe may change where the
 * function goes on (IPMODIFY), and ftrace lets only one user of a function do so: livepatch must
 * refuse a patch of it.
 */
#include <linux/kprobes.h>
#include <linux/module.h>

static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.symbol_name = "int_to_scsilun",
	.post_handler = after,
};

static int __init probe_first_init(void)
{
	return register_kprobe(&probe);
}

static void __exit probe_first_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(probe_first_init);
module_exit(probe_first_exit);
MODULE_DESCRIPTION("A kprobe that livepatch must give way to");
MODULE_LICENSE("GPL");
