// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: klp_is_module() is static, and inlined wherever it is called. */
#include "one_function.h"

ONE_FUNCTION(NULL, .old_name = "klp_is_module", .new_func = replacement);
