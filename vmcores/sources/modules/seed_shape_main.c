// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lets user space see which version of seed_leaf() and seed_toc() runs.
 *
 * Both are in seed_shape_asm.S. Reading /proc/seed_shape calls them and prints
 * what they did. These calls stay within the module and so enter at the local
 * entry point with our TOC in r2, which must come back unharmed even if a
 * livepatch in another module ran; a call through a pointer enters at the
 * global entry point and runs the TOC set-up.
 */
#include <linux/compiler.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

void seed_leaf(u64 lun, u8 *out);
long seed_toc(void);

static long (*seed_toc_pointer)(void) = seed_toc;

static int seed_shape_show(struct seq_file *m, void *v)
{
	u8 out[8];

	seed_leaf(0x0b03d204, out);
	seq_printf(m, "seed_leaf %*phN\n", (int)sizeof(out), out);
	seq_printf(m, "seed_toc %ld\n", seed_toc());
	seq_printf(m, "seed_toc by pointer %ld\n", READ_ONCE(seed_toc_pointer)());
	return 0;
}

static int __init seed_shape_init(void)
{
	if (!proc_create_single("seed_shape", 0444, NULL, seed_shape_show))
		return -ENOMEM;
	return 0;
}

static void __exit seed_shape_exit(void)
{
	remove_proc_entry("seed_shape", NULL);
}

module_init(seed_shape_init);
module_exit(seed_shape_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Two functions with mcount sites as gcc before 6 makes them");
