// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: there is no ninth c_start. */
#include "one_function.h"

ONE_FUNCTION(NULL, .old_name = "c_start", .new_func = replacement, .old_sympos = 9);
