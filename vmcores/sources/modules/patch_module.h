/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every livepatch module ends with. */
#ifndef PATCH_MODULE_H
#define PATCH_MODULE_H

#include <linux/livepatch.h>
#include <linux/module.h>

/*
 * The module of one patch; the arguments initialise members of its klp_patch:
 * PATCH_MODULE(.objs = objs, .replace = true)
 */
#define PATCH_MODULE(...)							\
	static struct klp_patch patch = { .mod = THIS_MODULE, __VA_ARGS__ };	\
	static int __init patch_init(void)					\
	{									\
		return klp_enable_patch(&patch);				\
	}									\
	static void __exit patch_exit(void)					\
	{									\
	}									\
	module_init(patch_init);						\
	module_exit(patch_exit);						\
	MODULE_LICENSE("GPL");							\
	MODULE_INFO(livepatch, "Y")

/*
 * The module of a patch that replaces one function of one object. OBJECT is a
 * module's name, or NULL for vmlinux; further arguments are as above.
 */
#define SINGLE_PATCH(object, function, replacement, ...)			\
	static struct klp_func funcs[] = {					\
		{ .old_name = function, .new_func = replacement }, { }		\
	};									\
	static struct klp_object objs[] = {					\
		{ .name = object, .funcs = funcs }, { }				\
	};									\
	PATCH_MODULE(.objs = objs, __VA_ARGS__)

#endif
