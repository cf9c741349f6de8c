// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: two functions are called c_start, and none is chosen by sympos. */
#include "one_function.h"

ONE_FUNCTION(NULL, .old_name = "c_start", .new_func = replacement);
