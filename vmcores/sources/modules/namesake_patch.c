// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces scsi_common's int_to_scsilun() by a function of the same name, as kpatch does. */
#include <linux/string.h>
#include <linux/types.h>
#include "patch_module.h"

static void int_to_scsilun(u64 lun, u8 *scsilun)
{
	memset(scsilun, 0xd8, 8);
}

/* Of the patch, and the replacement of nothing. */
noinline int namesake_helper(int seen);
noinline int namesake_helper(int seen)
{
	return seen + 1;
}

SINGLE_PATCH("scsi_common", "int_to_scsilun", int_to_scsilun);
