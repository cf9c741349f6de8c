// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replaces the kernel's uptime_proc_show() by a function that calls one of
 * scsi_common's through a pointer that livepatch is to fill in.
 *
 * While scsi_common is not loaded, nobody does. klp_convert.py makes the
 * relocation of the pointer one of livepatch's, as klp-convert or kpatch-build
 * would.
 */
#include <linux/seq_file.h>
#include <scsi/scsi_common.h>
#include "patch_module.h"

typedef int set_sense_information_fn(u8 *buf, int buf_len, u64 info);

static set_sense_information_fn *volatile pointer
	__attribute__((section("_klp_scsi_common_d"))) = scsi_set_sense_information;

static int relocated_uptime_proc_show(struct seq_file *m, void *v)
{
	u8 sense[20] = { 0x72 };
	int ret = pointer(sense, sizeof(sense), 0x1122334455667788ULL);

	seq_printf(m, "relocated %d\n", ret);
	return 0;
}

static int relocated_set_sense_information(u8 *buf, int buf_len, u64 info)
{
	return 7;
}

static struct klp_func vmlinux_funcs[] = {
	{ .old_name = "uptime_proc_show", .new_func = relocated_uptime_proc_show }, { }
};

static struct klp_func scsi_common_funcs[] = {
	{
		.old_name = "scsi_set_sense_information",
		.new_func = relocated_set_sense_information,
	}, { }
};

static struct klp_object objs[] = {
	{ .funcs = vmlinux_funcs },
	{ .name = "scsi_common", .funcs = scsi_common_funcs },
	{ }
};

PATCH_MODULE(.objs = objs);
