// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: there is no such function. */
#include "one_function.h"

ONE_FUNCTION(NULL, .old_name = "no_such_function", .new_func = replacement);
