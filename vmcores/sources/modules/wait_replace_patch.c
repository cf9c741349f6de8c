// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An atomic replace whose transition a task sleeping in leaf_probe_wait_here()
 * holds up: until then, what the patches before it had replaced is a klp_nop.
 */
#include "patch_module.h"

static int replaced_leaf_probe_wait_here(unsigned int seen)
{
	return 2;
}

SINGLE_PATCH("leaf_probe", "leaf_probe_wait_here", replaced_leaf_probe_wait_here,
	     .replace = true);
