// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces leaf_probe's leaf_probe_wait_here() by a function that spins, with interrupts on. */
#include <linux/compiler.h>
#include <linux/moduleparam.h>
#include <linux/processor.h>
#include "patch_module.h"

static bool stop;
module_param(stop, bool, 0644);
MODULE_PARM_DESC(stop, "End the spinning");

static int spinning_leaf_probe_wait_here(unsigned int seen)
{
	while (!READ_ONCE(stop))
		cpu_relax();
	return 4;
}

SINGLE_PATCH("leaf_probe", "leaf_probe_wait_here", spinning_leaf_probe_wait_here);
