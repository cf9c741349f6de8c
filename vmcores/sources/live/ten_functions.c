// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ten functions to patch, and threads that call them all the time.
 *
 * Reading /proc/ten_functions calls each once and prints what it returned, then what the threads
 * saw: their calls, and how many returned the original's value, the replacement's, anything else.
 * Writing a number N to it starts a thread on every online CPU, which sleeps N microseconds after
 * each pass over the functions, or not at all with 0; writing "stop" ends them.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "ten_functions.h"

#define FUNCTIONS 10

static volatile int ten_original = TEN_ORIGINAL;

#define LEAF(i)									\
	noinline __attribute__((__noipa__)) int ten_function_##i(int add);	\
	noinline __attribute__((__noipa__)) int ten_function_##i(int add)	\
	{									\
		return TEN_ORIGINAL + i + add;					\
	}
#define GLOBAL(i)								\
	noinline __attribute__((__noipa__)) int ten_function_##i(int add);	\
	noinline __attribute__((__noipa__)) int ten_function_##i(int add)	\
	{									\
		return ten_original + i + add;					\
	}
TEN_FUNCTIONS(LEAF, GLOBAL)

static int call(int which, int add)
{
	switch (which) {
#define CALL(i) case i: return ten_function_##i(add);
	TEN_FUNCTIONS(CALL, CALL)
	}
	return -1;
}

struct seen {
	unsigned long original, replacement, other;
	int last_other;
};

static DEFINE_PER_CPU(struct seen, seen);
static DEFINE_PER_CPU(struct task_struct *, thread);
static DEFINE_MUTEX(threads_lock);
static unsigned int pause_us;

static int caller(void *data)
{
	struct seen *mine = data;
	int add = 0;

	while (!kthread_should_stop()) {
		int i;

		for (i = 0; i < FUNCTIONS; i++) {
			int got = call(i, add) - add;

			if (got == TEN_ORIGINAL + i)
				mine->original++;
			else if (got == TEN_REPLACEMENT + i)
				mine->replacement++;
			else {
				mine->other++;
				mine->last_other = got;
			}
		}
		add = (add + 1) & 0xff;
		if (pause_us)
			usleep_range(pause_us, pause_us + 100);
		else if (!add)
			cond_resched();
	}
	return 0;
}

static void stop_threads(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct task_struct *task = per_cpu(thread, cpu);

		if (task)
			kthread_stop(task);
		per_cpu(thread, cpu) = NULL;
	}
}

static int start_threads(void)
{
	int cpu;

	for_each_online_cpu(cpu) {
		struct task_struct *task;

		task = kthread_create_on_node(caller, per_cpu_ptr(&seen, cpu), cpu_to_node(cpu),
					      "ten_caller/%d", cpu);
		if (IS_ERR(task))
			return PTR_ERR(task);
		kthread_bind(task, cpu);
		set_user_nice(task, 10);
		per_cpu(thread, cpu) = task;
		wake_up_process(task);
	}
	return 0;
}

static int ten_show(struct seq_file *m, void *v)
{
	struct seen sum = {};
	int i, cpu;

	for (i = 0; i < FUNCTIONS; i++)
		seq_printf(m, "%d%c", call(i, 0), i < FUNCTIONS - 1 ? ' ' : '\n');
	for_each_possible_cpu(cpu) {
		struct seen *its = per_cpu_ptr(&seen, cpu);

		sum.original += its->original;
		sum.replacement += its->replacement;
		sum.other += its->other;
		if (its->other)
			sum.last_other = its->last_other;
	}
	seq_printf(m, "original %lu replacement %lu other %lu (%d)\n", sum.original,
		   sum.replacement, sum.other, sum.last_other);
	return 0;
}

static int ten_open(struct inode *inode, struct file *file)
{
	return single_open(file, ten_show, NULL);
}

static ssize_t ten_write(struct file *file, const char __user *buf, size_t count, loff_t *ppos)
{
	char text[16] = {};
	int ret = 0;

	if (count >= sizeof(text) || copy_from_user(text, buf, count))
		return -EINVAL;
	mutex_lock(&threads_lock);
	stop_threads();
	if (strcmp(strim(text), "stop")) {
		ret = kstrtouint(strim(text), 10, &pause_us);
		if (!ret)
			ret = start_threads();
	}
	mutex_unlock(&threads_lock);
	return ret ?: count;
}

static const struct proc_ops ten_ops = {
	.proc_open = ten_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
	.proc_write = ten_write,
};

static int __init ten_init(void)
{
	return proc_create("ten_functions", 0644, NULL, &ten_ops) ? 0 : -ENOMEM;
}

static void __exit ten_exit(void)
{
	remove_proc_entry("ten_functions", NULL);
	stop_threads();
}

module_init(ten_init);
module_exit(ten_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Ten functions to patch, and threads that call them");
