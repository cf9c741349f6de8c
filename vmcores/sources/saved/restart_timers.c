// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lets every CPU have a timer interrupt at once: QEMU saves no decrementer of TCG's, and a guest
 * that goes on would wait for its timers for ever. Loading it fails, for its work is done then.
 */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/time.h>

static void now(void *unused)
{
	set_dec(1);
}

static int __init restart_timers(void)
{
	on_each_cpu(now, NULL, 1);
	return -EAGAIN;
}

module_init(restart_timers);
MODULE_DESCRIPTION("Restarts the timers of a guest that was saved");
MODULE_LICENSE("GPL");
