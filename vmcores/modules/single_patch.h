/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rest of a livepatch module that replaces one function of one object.
 * OBJECT is a module's name, or NULL for vmlinux.
 */
#ifndef SINGLE_PATCH_H
#define SINGLE_PATCH_H

#include <linux/livepatch.h>
#include <linux/module.h>

#define SINGLE_PATCH(object, function, replacement)				\
	static struct klp_func funcs[] = {					\
		{ .old_name = function, .new_func = replacement }, { }		\
	};									\
	static struct klp_object objs[] = {					\
		{ .name = object, .funcs = funcs }, { }				\
	};									\
	static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objs };	\
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

#endif
