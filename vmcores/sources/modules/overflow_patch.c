// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replaces leaf_probe's leaf_probe_wait_here() by a function that calls the
 * original's entry again, and so itself, until the kernel stack has come as
 * near to the livepatch stack, which grows towards it, as ENOUGH.
 *
 * That is less than what ftrace_caller needs between them.
 */
#include <linux/thread_info.h>
#include "patch_module.h"

#define ENOUGH	192

static struct klp_func *self;

static int deep_leaf_probe_wait_here(unsigned int seen)
{
	int (*again)(unsigned int seen) = self->old_func;
	unsigned long top = (unsigned long)current_thread_info()->livepatch_sp;

	if ((unsigned long)__builtin_frame_address(0) < top + ENOUGH)
		return 0;
	return again(seen) + 1;
}

static struct klp_func funcs[] = {
	{ .old_name = "leaf_probe_wait_here", .new_func = deep_leaf_probe_wait_here }, { }
};

static struct klp_func *self = funcs;

static struct klp_object objs[] = {
	{ .name = "leaf_probe", .funcs = funcs }, { }
};

PATCH_MODULE(.objs = objs);
