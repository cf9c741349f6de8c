// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: no module has this name. */
#include "one_function.h"

ONE_FUNCTION("no_such_module", .old_name = "int_to_scsilun", .new_func = replacement);
