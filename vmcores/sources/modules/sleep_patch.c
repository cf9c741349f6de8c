// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes a task sleep in a replacement that another replacement called.
 *
 * Reading /proc/leaf_probe_wait gets there, with two entries on the task's
 * livepatch stack: the replacement of leaf_probe_wait_here() calls
 * scsi_set_sense_information(), whose replacement sleeps until the task is
 * killed. Other callers of the latter do not sleep.
 */
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/thread_info.h>
#include <scsi/scsi_common.h>
#include "patch_module.h"

#define SLEEP	0x5a1ee9

static unsigned long livepatch_sp;
module_param(livepatch_sp, ulong, 0444);
MODULE_PARM_DESC(livepatch_sp, "Where the livepatch stack of the last sleeper ends");

static int sleeping_scsi_set_sense_information(u8 *buf, int buf_len, u64 info)
{
	if (info == SLEEP) {
		livepatch_sp = (unsigned long)current_thread_info()->livepatch_sp;
		schedule_timeout_killable(MAX_SCHEDULE_TIMEOUT);
	}
	memset(buf, 0x5a, buf_len);
	return 0;
}

static int sleeping_leaf_probe_wait_here(unsigned int seen)
{
	u8 sense[20];

	return scsi_set_sense_information(sense, sizeof(sense), SLEEP) + sense[0];
}

static struct klp_func leaf_probe_funcs[] = {
	{ .old_name = "leaf_probe_wait_here", .new_func = sleeping_leaf_probe_wait_here }, { }
};

static struct klp_func scsi_common_funcs[] = {
	{
		.old_name = "scsi_set_sense_information",
		.new_func = sleeping_scsi_set_sense_information,
	}, { }
};

static struct klp_object objs[] = {
	{ .name = "leaf_probe", .funcs = leaf_probe_funcs },
	{ .name = "scsi_common", .funcs = scsi_common_funcs },
	{ }
};

PATCH_MODULE(.objs = objs);
