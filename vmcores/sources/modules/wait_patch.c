// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces leaf_probe's leaf_probe_wait_here(); stalls while a task sleeps there. */
#include "patch_module.h"

static int patched_leaf_probe_wait_here(unsigned int seen)
{
	return 1;
}

SINGLE_PATCH("leaf_probe", "leaf_probe_wait_here", patched_leaf_probe_wait_here);
