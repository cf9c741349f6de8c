// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A patch of kpatch's shape for a module that may be loaded later: a
 * replacement of uptime_proc_show() calls into scsi_common by a branch that
 * livepatch relocates, and a function of scsi_common is replaced as well.
 */
#include <linux/seq_file.h>
#include <scsi/scsi_common.h>
#include "patch_module.h"

int late_call(u8 *buf, int buf_len, u64 info);

static bool scsi_common_there;

static int late_uptime_proc_show(struct seq_file *m, void *v)
{
	u8 sense[20] = { 0x72 };

	seq_printf(m, "late %d\n",
		   scsi_common_there ? late_call(sense, sizeof(sense), 0x1122334455667788ULL) : -1);
	return 0;
}

static int late_set_sense_information(u8 *buf, int buf_len, u64 info)
{
	return 9;
}

static int patched(struct klp_object *obj)
{
	scsi_common_there = true;
	return 0;
}

static void unpatched(struct klp_object *obj)
{
	scsi_common_there = false;
}

static struct klp_func vmlinux_funcs[] = {
	{ .old_name = "uptime_proc_show", .new_func = late_uptime_proc_show }, { }
};

static struct klp_func scsi_common_funcs[] = {
	{
		.old_name = "scsi_set_sense_information",
		.new_func = late_set_sense_information,
	}, { }
};

static struct klp_object objs[] = {
	{ .funcs = vmlinux_funcs },
	{
		.name = "scsi_common",
		.funcs = scsi_common_funcs,
		.callbacks = { .pre_patch = patched, .post_unpatch = unpatched },
	},
	{ }
};

PATCH_MODULE(.objs = objs);
