// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces the ten functions of ten_functions. */
#include "patch_module.h"
#include "ten_functions.h"

static volatile int ten_replacement = TEN_REPLACEMENT;

#define REPLACE(i)						\
	static int patched_ten_function_##i(int add)		\
	{							\
		return ten_replacement + i + add;		\
	}
TEN_FUNCTIONS(REPLACE, REPLACE)

#define FUNC(i) { .old_name = "ten_function_" #i, .new_func = patched_ten_function_##i },
static struct klp_func funcs[] = {
	TEN_FUNCTIONS(FUNC, FUNC)
	{ }
};
static struct klp_object objs[] = { { .name = "ten_functions", .funcs = funcs }, { } };

PATCH_MODULE(.objs = objs);
