// SPDX-License-Identifier: GPL-2.0-or-later
/* An atomic replace: takes over from every patch loaded before it. */
#include <linux/seq_file.h>
#include <linux/string.h>
#include <scsi/scsi_common.h>
#include "patch_module.h"

static int replaced_cmdline_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "replace_patch\n");
	return 0;
}

static void replaced_int_to_scsilun(u64 lun, struct scsi_lun *scsilun)
{
	memset(scsilun->scsi_lun, 0xb6, sizeof(scsilun->scsi_lun));
}

static struct klp_func vmlinux_funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = replaced_cmdline_proc_show }, { }
};

static struct klp_func scsi_common_funcs[] = {
	{ .old_name = "int_to_scsilun", .new_func = replaced_int_to_scsilun }, { }
};

static struct klp_object objs[] = {
	{ .funcs = vmlinux_funcs },
	{ .name = "scsi_common", .funcs = scsi_common_funcs },
	{ }
};

PATCH_MODULE(.objs = objs, .replace = true);
