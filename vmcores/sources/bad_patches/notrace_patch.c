// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: sched_clock() is notrace, so it has no mcount site. */
#include "one_function.h"

ONE_FUNCTION(NULL, .old_name = "sched_clock", .new_func = replacement);
