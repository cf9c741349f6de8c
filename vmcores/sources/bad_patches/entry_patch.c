// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: the replacement begins behind its own first instructions. */
#include "one_function.h"

ONE_FUNCTION(NULL, .old_name = "cmdline_proc_show", .new_func = (char *)replacement + 8);
