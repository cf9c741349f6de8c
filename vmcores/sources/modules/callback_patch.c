// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces nothing, since its callback reads address 0x10 before: livepatch itself called it. */
#include <linux/compiler.h>
#include <linux/seq_file.h>
#include "patch_module.h"

static int *bad_pointer = (int *)0x10;

static int before(struct klp_object *obj)
{
	return READ_ONCE(*READ_ONCE(bad_pointer)) & 1;
}

static int never_cmdline_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "callback_patch\n");
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = never_cmdline_proc_show }, { }
};

static struct klp_object objs[] = {
	{ .funcs = funcs, .callbacks = { .pre_patch = before } }, { }
};

PATCH_MODULE(.objs = objs);
