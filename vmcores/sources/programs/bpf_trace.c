// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bpf_trace BTF_ID [exit]: attaches a BPF program that does nothing to the entry of the kernel
 * function with that BTF id, or to its exit; says "attached", and stays until it is killed.
 *
 * It needs no C library: the cross compiler comes without one.
 */

enum { SYS_exit = 1, SYS_write = 4, SYS_pause = 29, SYS_bpf = 361 };
enum { BPF_PROG_LOAD = 5, BPF_RAW_TRACEPOINT_OPEN = 17 };
enum { BPF_PROG_TYPE_TRACING = 26, BPF_TRACE_FENTRY = 24, BPF_TRACE_FEXIT = 25 };

/* The part of union bpf_attr (linux/bpf.h) that each command reads. */
struct prog_load {
	unsigned int prog_type, insn_cnt;
	unsigned long insns, license;
	unsigned int log_level, log_size;
	unsigned long log_buf;
	unsigned int kern_version, prog_flags;
	char prog_name[16];
	unsigned int prog_ifindex, expected_attach_type, prog_btf_fd, func_info_rec_size;
	unsigned long func_info;
	unsigned int func_info_cnt, line_info_rec_size;
	unsigned long line_info;
	unsigned int line_info_cnt, attach_btf_id;
};

struct raw_tracepoint {
	unsigned long name;
	unsigned int prog_fd, padding;
};

/* r0 = 0; exit */
static const unsigned char nothing[] = {
	0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0,
};

static long system_call(long number, long first, long second, long third)
{
	register long r0 asm("r0") = number;
	register long r3 asm("r3") = first;
	register long r4 asm("r4") = second;
	register long r5 asm("r5") = third;

	asm volatile("sc\n\tbns+ 1f\n\tneg 3,3\n1:"
		     : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5)
		     :: "r6", "r7", "r8", "r9", "r10", "r11", "r12", "ctr", "cr0", "memory");
	return r3;
}

static void check(long result, const char *what, long length)
{
	if (result >= 0)
		return;
	system_call(SYS_write, 2, (long)what, length);
	system_call(SYS_exit, -result, 0, 0);
}

/* STACK is what the kernel gives a program to begin with: argc, then argv. */
__attribute__((used)) static void begin(const long *stack)
{
	struct prog_load load = {
		.prog_type = BPF_PROG_TYPE_TRACING,
		.insn_cnt = sizeof(nothing) / 8,
		.insns = (long)nothing,
		.license = (long)"GPL",
		.expected_attach_type = BPF_TRACE_FENTRY,
	};
	struct raw_tracepoint link = { 0 };
	long fd;

	if (stack[0] > 2)
		load.expected_attach_type = BPF_TRACE_FEXIT;
	if (stack[0] > 1)
		for (const char *digit = (const char *)stack[2]; *digit; digit++)
			load.attach_btf_id = 10 * load.attach_btf_id + *digit - '0';
	fd = system_call(SYS_bpf, BPF_PROG_LOAD, (long)&load, sizeof(load));
	check(fd, "not loaded\n", 11);
	link.prog_fd = fd;
	fd = system_call(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, (long)&link, sizeof(link));
	check(fd, "not attached\n", 13);
	system_call(SYS_write, 1, (long)"attached\n", 9);
	system_call(SYS_pause, 0, 0, 0);
	system_call(SYS_exit, 0, 0, 0);
}

asm(".globl _start\n"
    "_start:\n"
    "	addis 2,12,.TOC.-_start@ha\n"
    "	addi 2,2,.TOC.-_start@l\n"
    "	mr 3,1\n"
    "	clrrdi 1,1,4\n"
    "	stdu 1,-64(1)\n"
    "	b begin\n");
