// SPDX-License-Identifier: GPL-2.0-or-later
/* Counts the calls of cmdline_proc_show() in a shadow variable of init_task; has all callbacks. */
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include "patch_module.h"

#define CALLS 0x51ad

static int shadowed_cmdline_proc_show(struct seq_file *m, void *v)
{
	unsigned int *calls;

	calls = klp_shadow_get_or_alloc(&init_task, CALLS, sizeof(*calls), GFP_KERNEL, NULL, NULL);
	if (calls)
		seq_printf(m, "%px %px %u\n", &init_task, calls, ++*calls);
	return 0;
}

static int before(struct klp_object *obj)
{
	return 0;
}

static void after(struct klp_object *obj)
{
}

static void gone(struct klp_object *obj)
{
	klp_shadow_free_all(CALLS, NULL);
}

static struct klp_func funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = shadowed_cmdline_proc_show }, { }
};

static struct klp_object objs[] = {
	{
		.funcs = funcs,
		.callbacks = {
			.pre_patch = before,
			.post_patch = after,
			.pre_unpatch = after,
			.post_unpatch = gone,
		},
	},
	{ }
};

MODULE_VERSION("1.2-3");
PATCH_MODULE(.objs = objs);
