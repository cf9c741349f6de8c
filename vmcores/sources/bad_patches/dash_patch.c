// SPDX-License-Identifier: GPL-2.0-or-later
/* Wrong: the kernel writes this module's name with an underscore. */
#include "one_function.h"

ONE_FUNCTION("scsi-common", .old_name = "int_to_scsilun", .new_func = replacement);
