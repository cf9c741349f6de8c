// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replaces scsi_common's scsi_set_sense_information(), and gives back the
 * reference that livepatch holds on its module: so the module can be removed
 * while the function leads to it.
 */
#include <linux/string.h>
#include <linux/types.h>
#include <linux/livepatch.h>
#include <linux/module.h>

static int gone_scsi_set_sense_information(u8 *buf, int buf_len, u64 info)
{
	memset(buf, 0x60, buf_len);
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "scsi_set_sense_information", .new_func = gone_scsi_set_sense_information },
	{ }
};

static struct klp_object objs[] = {
	{ .name = "scsi_common", .funcs = funcs }, { }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };

static int __init gone_patch_init(void)
{
	int ret = klp_enable_patch(&patch);

	if (!ret)
		module_put(THIS_MODULE);
	return ret;
}

static void __exit gone_patch_exit(void)
{
}

module_init(gone_patch_init);
module_exit(gone_patch_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
