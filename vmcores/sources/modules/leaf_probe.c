// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lets user space see which version of a function runs.
 *
 * Reading /proc/leaf_probe calls int_to_scsilun() (a leaf function without TOC
 * set-up) and scsi_set_sense_information() (one with TOC set-up) of scsi_common
 * and prints what they did; reading /proc/leaf_probe_toc calls the latter alone.
 * Reading /proc/leaf_probe_wait sleeps inside leaf_probe_wait_here() until
 * someone writes to that file, so that a livepatch on that function cannot
 * complete its transition.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/wait.h>
#include <scsi/scsi_common.h>

static DECLARE_WAIT_QUEUE_HEAD(wait_queue);
static unsigned int releases;

static int leaf_probe_toc_show(struct seq_file *m, void *v)
{
	u8 sense[20] = { 0x72 };
	int ret;

	ret = scsi_set_sense_information(sense, sizeof(sense), 0x1122334455667788ULL);
	seq_printf(m, "scsi_set_sense_information %d %*phN\n", ret, (int)sizeof(sense), sense);
	return 0;
}

static int leaf_probe_show(struct seq_file *m, void *v)
{
	struct scsi_lun lun;

	int_to_scsilun(0x0b03d204, &lun);
	seq_printf(m, "int_to_scsilun %*phN\n", (int)sizeof(lun), &lun);
	return leaf_probe_toc_show(m, v);
}

/* Killable, not interruptible: the livepatch core's fake signal must not end the sleep. */
static noinline __attribute__((__noipa__)) int leaf_probe_wait_here(unsigned int seen)
{
	return wait_event_killable(wait_queue, READ_ONCE(releases) != seen);
}

static int leaf_probe_wait_show(struct seq_file *m, void *v)
{
	int ret = leaf_probe_wait_here(READ_ONCE(releases));

	seq_printf(m, "leaf_probe_wait_here %d\n", ret);
	return 0;
}

static int leaf_probe_wait_open(struct inode *inode, struct file *file)
{
	return single_open(file, leaf_probe_wait_show, NULL);
}

static ssize_t leaf_probe_wait_write(struct file *file, const char __user *buf, size_t count,
				     loff_t *ppos)
{
	WRITE_ONCE(releases, releases + 1);
	wake_up_all(&wait_queue);
	return count;
}

static const struct proc_ops leaf_probe_wait_ops = {
	.proc_open = leaf_probe_wait_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
	.proc_write = leaf_probe_wait_write,
};

static int __init leaf_probe_init(void)
{
	if (!proc_create_single("leaf_probe", 0444, NULL, leaf_probe_show))
		return -ENOMEM;
	if (!proc_create_single("leaf_probe_toc", 0444, NULL, leaf_probe_toc_show))
		goto remove_leaf_probe;
	if (!proc_create("leaf_probe_wait", 0644, NULL, &leaf_probe_wait_ops))
		goto remove_leaf_probe_toc;
	return 0;

remove_leaf_probe_toc:
	remove_proc_entry("leaf_probe_toc", NULL);
remove_leaf_probe:
	remove_proc_entry("leaf_probe", NULL);
	return -ENOMEM;
}

static void __exit leaf_probe_exit(void)
{
	remove_proc_entry("leaf_probe_wait", NULL);
	remove_proc_entry("leaf_probe_toc", NULL);
	remove_proc_entry("leaf_probe", NULL);
}

module_init(leaf_probe_init);
module_exit(leaf_probe_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Calls two functions of scsi_common from a proc file");
