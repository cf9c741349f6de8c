// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces leaf_probe's leaf_probe_wait_here() by a function that writes to address 0x10. */
#include <linux/compiler.h>
#include "patch_module.h"

static unsigned int *bad_pointer = (unsigned int *)0x10;

static int crashing_leaf_probe_wait_here(unsigned int seen)
{
	WRITE_ONCE(*READ_ONCE(bad_pointer), seen);
	return 3;
}

SINGLE_PATCH("leaf_probe", "leaf_probe_wait_here", crashing_leaf_probe_wait_here);
