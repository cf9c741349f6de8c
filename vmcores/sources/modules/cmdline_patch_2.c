// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces vmlinux's cmdline_proc_show(); cmdline_patch_1 and _2 stack on that one function. */
#include <linux/seq_file.h>
#include "patch_module.h"

static int patched_cmdline_proc_show_2(struct seq_file *m, void *v)
{
	seq_puts(m, "cmdline_patch_2\n");
	return 0;
}

SINGLE_PATCH(NULL, "cmdline_proc_show", patched_cmdline_proc_show_2);
