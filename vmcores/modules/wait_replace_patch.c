// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An atomic replace whose transition a task sleeping in leaf_probe_wait_here()
 * holds up: until then, what the patches before it had replaced is a klp_nop.
 */
#include <linux/livepatch.h>
#include <linux/module.h>

static int replaced_leaf_probe_wait_here(unsigned int seen)
{
	return 2;
}

static struct klp_func funcs[] = {
	{ .old_name = "leaf_probe_wait_here", .new_func = replaced_leaf_probe_wait_here }, { }
};

static struct klp_object objs[] = { { .name = "leaf_probe", .funcs = funcs }, { } };

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs, .replace = true };

static int __init patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit patch_exit(void)
{
}

module_init(patch_init);
module_exit(patch_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
