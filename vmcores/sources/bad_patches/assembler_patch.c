// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: memset() is assembler, so it has no mcount site. */
#include "one_function.h"

ONE_FUNCTION(NULL, .old_name = "memset", .new_func = replacement);
