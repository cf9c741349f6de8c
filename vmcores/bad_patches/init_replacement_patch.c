// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: the replacement is gone once the module is initialised. */
#include "patch_module.h"

static int __init __used init_replacement(void)
{
	return 0;
}

/* __refdata hides it from modpost, which would notice. */
static struct klp_func funcs[] __refdata = {
	{ .old_name = "cmdline_proc_show", .new_func = init_replacement }, { }
};
static struct klp_object objs[] = { { .funcs = funcs }, { } };

PATCH_MODULE(.objs = objs);
