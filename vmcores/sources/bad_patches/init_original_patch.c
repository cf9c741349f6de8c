// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: start_kernel() is gone when a module is loaded. */
#include "one_function.h"

ONE_FUNCTION(NULL, .old_name = "start_kernel", .new_func = replacement);
