// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: there is nothing to run instead. */
#include "one_function.h"

ONE_FUNCTION(NULL, .old_name = "cmdline_proc_show");
