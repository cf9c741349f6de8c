// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading /proc/crash_probe writes through a NULL pointer; no livepatch has a part in it. */
#include <linux/compiler.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

static int *nowhere;

static noinline __attribute__((__noipa__)) void crash_probe_write(int *where)
{
	WRITE_ONCE(*where, 1);
}

static int crash_probe_show(struct seq_file *m, void *v)
{
	crash_probe_write(READ_ONCE(nowhere));
	seq_puts(m, "survived\n");
	return 0;
}

static int __init crash_probe_init(void)
{
	if (!proc_create_single("crash_probe", 0444, NULL, crash_probe_show))
		return -ENOMEM;
	return 0;
}

static void __exit crash_probe_exit(void)
{
	remove_proc_entry("crash_probe", NULL);
}

module_init(crash_probe_init);
module_exit(crash_probe_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Crashes when its proc file is read");
