// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: vmlinux has no name; NULL stands for it. */
#include "one_function.h"

ONE_FUNCTION("vmlinux", .old_name = "cmdline_proc_show", .new_func = replacement);
