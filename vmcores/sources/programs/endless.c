// SPDX-License-Identifier: GPL-2.0-or-later
/* A ppc64le process that does not end by itself. */

void _start(void)
{
	for (;;)
		__asm__ volatile("nop");
}
