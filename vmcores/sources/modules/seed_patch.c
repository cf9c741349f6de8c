// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces both functions of seed_shape, whose mcount sites are those of gcc before 6. */
#include <linux/compiler.h>
#include <linux/string.h>
#include <linux/types.h>
#include "patch_module.h"

static void patched_seed_leaf(u64 lun, u8 *out)
{
	memset(out, 0xa5, 8);
}

/*
 * Not a constant, so that this finds it through its own TOC: the caller's must
 * be back in r2 afterwards.
 */
static long patched_value = 20160202;

static long patched_seed_toc(void)
{
	return READ_ONCE(patched_value);
}

static struct klp_func funcs[] = {
	{ .old_name = "seed_leaf", .new_func = patched_seed_leaf },
	{ .old_name = "seed_toc", .new_func = patched_seed_toc },
	{ }
};

static struct klp_object objs[] = {
	{ .name = "seed_shape", .funcs = funcs }, { }
};

PATCH_MODULE(.objs = objs);
