// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces vmlinux's cmdline_proc_show() by a function that warns each time it is called. */
#include <linux/bug.h>
#include <linux/seq_file.h>
#include "patch_module.h"

static int warning_cmdline_proc_show(struct seq_file *m, void *v)
{
	WARN(1, "warn_patch was called\n");
	seq_puts(m, "warn_patch\n");
	return 0;
}

SINGLE_PATCH(NULL, "cmdline_proc_show", warning_cmdline_proc_show);
