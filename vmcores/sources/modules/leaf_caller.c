// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading /proc/leaf_caller calls scsi_common's int_to_scsilun(), a leaf function.
 *
 * Where a stub finds its target through this module's TOC instead of
 * scsi_common's, it reads behind the end of this text, which is the shorter
 * one: there are zeros. So nothing else is to be added here.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <scsi/scsi_common.h>

static int leaf_caller_show(struct seq_file *m, void *v)
{
	struct scsi_lun lun;

	int_to_scsilun(0x0b03d204, &lun);
	seq_write(m, &lun, sizeof(lun));
	return 0;
}

static int __init leaf_caller_init(void)
{
	if (!proc_create_single("leaf_caller", 0444, NULL, leaf_caller_show))
		return -ENOMEM;
	return 0;
}

static void __exit leaf_caller_exit(void)
{
	remove_proc_entry("leaf_caller", NULL);
}

module_init(leaf_caller_init);
module_exit(leaf_caller_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Calls one function of scsi_common from a proc file");
