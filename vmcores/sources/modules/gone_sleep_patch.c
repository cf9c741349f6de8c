// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes a task sleep in a replacement whose module can be removed meanwhile.
 *
 * Reading /proc/leaf_probe_wait gets there: the replacement of
 * leaf_probe_wait_here() sleeps until the task is killed. The reference that
 * livepatch holds on the module is given back, and a replace that is forced
 * takes none: so nobody keeps the module for the task, which returns to where
 * it was.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>

static int gone_leaf_probe_wait_here(unsigned int seen)
{
	return schedule_timeout_killable(MAX_SCHEDULE_TIMEOUT) != 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "leaf_probe_wait_here", .new_func = gone_leaf_probe_wait_here }, { }
};

static struct klp_object objs[] = {
	{ .name = "leaf_probe", .funcs = funcs }, { }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };

static int __init gone_sleep_patch_init(void)
{
	int ret = klp_enable_patch(&patch);

	if (!ret)
		module_put(THIS_MODULE);
	return ret;
}

static void __exit gone_sleep_patch_exit(void)
{
}

module_init(gone_sleep_patch_init);
module_exit(gone_sleep_patch_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
