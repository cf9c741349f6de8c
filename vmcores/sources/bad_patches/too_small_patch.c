// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Wrong: arch_ftrace_match_adjust() is a mere return, and ftrace.c is compiled
 * without ftrace: no room for an mcount site, and none made.
 */
#include "one_function.h"

ONE_FUNCTION(NULL, .old_name = "arch_ftrace_match_adjust",
	     .new_func = replacement);
