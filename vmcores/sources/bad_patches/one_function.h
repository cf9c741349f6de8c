/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The patch of one function of one object, whose klp_func is written out. */
#ifndef ONE_FUNCTION_H
#define ONE_FUNCTION_H

#include "patch_module.h"

/* ONE_FUNCTION("scsi_common", .old_name = "f", .new_func = g); NULL is vmlinux. */
#define ONE_FUNCTION(object, ...)						\
	static struct klp_func funcs[] = { { __VA_ARGS__ }, { } };		\
	static struct klp_object objs[] = {					\
		{ .name = object, .funcs = funcs }, { }				\
	};									\
	PATCH_MODULE(.objs = objs)

static int __maybe_unused replacement(void)
{
	return 0;
}

#endif
