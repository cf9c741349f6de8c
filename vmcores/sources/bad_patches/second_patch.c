// SPDX-License-Identifier: GPL-2.0-or-later
/* Right: the second c_start is the one of /proc/consoles. */
#include "one_function.h"

ONE_FUNCTION(NULL, .old_name = "c_start", .new_func = replacement, .old_sympos = 2);
