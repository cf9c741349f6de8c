# SPDX-License-Identifier: GPL-2.0-or-later
"""
Tasks of a fake kernel: their lists, their CPUs and their stacks.

A stack is as ppc64 lays it out: each frame begins with the back chain, has the return address of
its function at 16, and the last one is what ``copy_thread()`` made.
"""

from dataclasses import dataclass

from tests.support.fake_kernel import Struct
from tests.support.fake_livepatch import LivepatchKernel
from tests.support.kernel_structs import MPROFILE, Build
from tests.support.paged_memory import PAGE

THREAD_SIZE = 0x4000
FRAME = 0x70
"""Bytes of each frame here."""
PATCH_PENDING = 1 << 6
STACK_END_MAGIC = 0x57AC6E9D
SLEEPING, RUNNING = 1, 0
_STACKS = 0xC000000004000000
_STATES = ("R (running)", "S (sleeping)", "D (disk sleep)")
_KTHREAD = 0x00200000


@dataclass(eq=False)
class FakeTask:
    """One task, and the memory of its stack."""

    kernel: "TaskKernel"
    struct: Struct
    stack: int
    livepatch_entries: int = 0
    shadow: int = 0
    """Its shadow stack, if it has one."""
    shadow_words: int = 0
    """How many of that are in use."""

    @property
    def info(self) -> Struct:
        """Its ``struct thread_info``."""
        if self.kernel.build.linux_4_12:
            return Struct(self.kernel, "thread_info", self.stack)
        return self.struct.member("thread_info", "thread_info")

    @property
    def bottom(self) -> int:
        """``end_of_stack()``: where its STACK_END_MAGIC is."""
        if self.kernel.build.linux_4_12:
            return self.stack + self.kernel.layouts["thread_info"].size
        return self.stack

    @property
    def end(self) -> int:
        """Where the back chain of its stack ends: below the registers of its user program."""
        return self.stack + THREAD_SIZE - self.kernel.layouts["pt_regs"].size - 32

    def sleeps(self, *returns: int) -> None:
        """
        Write the stack of a task that was switched away from.

        :param returns: return addresses, the innermost first
        """
        frames = [self.end - FRAME * number for number in range(len(returns), -1, -1)]
        for at, above, lr in zip(frames, [*frames[1:], 0], [*returns, 0], strict=True):
            self.kernel.put_u64(at, above, 0, lr)
        # _switch() saved the registers and returns to the innermost.
        regs = self.kernel.layouts["pt_regs"]
        switch = frames[0] - 32 - regs.size
        nip = switch + 32 + regs.member("nip").offset
        self.kernel.put_u64(switch, frames[0])
        self.kernel.put_u64(nip, returns[0] if returns else 0)
        self.struct["thread.ksp"] = switch

    def calls_replacement(self, *, toc: int, lr: int, marker: int = STACK_END_MAGIC) -> int:
        """Put onto its livepatch stack what ``livepatch_handler`` does; return where that is."""
        entry = self.kernel.livepatch_entry
        at = self.bottom + 8 + entry.size * self.livepatch_entries
        self.livepatch_entries += 1
        for place, value in ((entry.toc, toc), (entry.lr, lr), (entry.marker, marker)):
            self.kernel.put_u64(at + place, value)
        self.info["livepatch_sp"] = at + entry.size
        return at

    def is_traced(self, ret: int, retp: int, *, data: int = 0) -> None:
        """
        Put a return address onto its shadow stack, as the function graph tracer does.

        :param retp: beginning of the frame whose LR save word had it
        :param data: words that tracers keep with it, where several can share the stack
        """
        if not self.shadow:
            self.shadow = self.kernel.allocate(0x1000)
            self.struct["ret_stack"] = self.shadow
        at = self.shadow + 8 * self.shadow_words
        if self.kernel.build.out_of_line:
            # Above each is how far below it begins, and the type of what is there.
            self.kernel.put_u64(at, ret, 0, retp, *[0xFFFF] * data, 1 << 10 | 3 + data)
            self.shadow_words += 4 + data
            self.struct["curr_ret_stack"] = self.shadow_words
        else:
            self.kernel.put_u64(at, ret, 0, retp)
            self.shadow_words += 3
            self.struct["curr_ret_stack"] = self.shadow_words // 3 - 1

    def frame(self, number: int) -> int:
        """Return the beginning of a frame that :meth:`sleeps` made: 0 is of _switch()."""
        at = self.struct["thread.ksp"]
        for _ in range(number):
            at = self.kernel.prog_u64(at)
        return at


class TaskKernel(LivepatchKernel):
    """A kernel of two CPUs, which their idle tasks run on until another does."""

    def __init__(self, build: Build = MPROFILE) -> None:
        super().__init__(build)
        self.tasks: list[FakeTask] = []
        self._bpf_texts: list[Struct] = []
        self._cpu_masks = {
            name: self.variable(f"__cpu_{name}_mask", "struct cpumask", 3)
            for name in ("possible", "online")
        }
        self.variable("nr_cpu_ids", "unsigned int", 2)
        self.runqueues = [self.new("rq") for _ in range(2)]
        self.place("runqueues", self.types.aggregate("rq"), self.runqueues[0].address)
        offsets = self.allocate(16)
        self.put_u64(offsets, 0, self.runqueues[1].address - self.runqueues[0].address)
        offset_type = self.types.named("unsigned long")
        self.place("__per_cpu_offset", self.prog.array_type(offset_type, 2), offsets)
        states = self.allocate(8 * len(_STATES))
        self.put_u64(states, *map(self.string, _STATES))
        char_pointer = self.types.named("char *")
        self.place("task_state_array", self.prog.array_type(char_pointer, len(_STATES)), states)
        self.idle = [self._idle_task(cpu) for cpu in range(2)]
        self.place("init_task", self.types.aggregate("task_struct"), self.idle[0].struct.address)
        self._link_tasks()

    def task(
        self,
        pid: int,
        comm: str,
        *,
        cpu: int = 0,
        state: int = SLEEPING,
        kthread: bool = False,
        patch_state: int = -1,
    ) -> FakeTask:
        """Start a process of one thread, which sleeps with an empty stack."""
        made = self._make(pid, comm, cpu)
        made.struct[self._state] = state
        made.struct["flags"] = _KTHREAD if kthread else 0
        made.struct["patch_state"] = patch_state
        signal = self.new("signal_struct")
        made.struct["signal"] = signal
        self.link(signal.at("thread_head"), made.struct.at("thread_node"))
        made.sleeps()
        self.tasks.append(made)
        self._link_tasks()
        return made

    def cpu_mask(self, name: str) -> int:
        """Return where the mask of the ``possible`` or the ``online`` CPUs is."""
        return self._cpu_masks[name]

    def bpf_text(self, name: str, start: int, size: int) -> Struct:
        """
        Make text of BPF's; return its ``struct bpf_ksym``.

        Of Linux 4.12 its ``struct bpf_prog_aux``: the name ends with the program's tag then, and
        its text begins with a header that has its size in pages.
        """
        if self.build.linux_4_12:
            program = self.new("bpf_prog", bpf_func=start + 0x40)
            program["tag"] = bytes.fromhex(name.removeprefix("bpf_prog_"))
            made, node = self.new("bpf_prog_aux", prog=program), "ksym_lnode"
            self.memory.write(start, (-(-size // PAGE)).to_bytes(4, "little"))
        else:
            made = self.new("bpf_ksym", name=name.encode(), start=start, end=start + size)
            node = "lnode"
        self._bpf_texts.append(made)
        if len(self._bpf_texts) == 1:
            self._bpf_list = self.variable("bpf_kallsyms", "struct list_head")
        self.link(self._bpf_list, *(each.at(node) for each in self._bpf_texts))
        return made

    def kprobe_slots(self, start: int) -> None:
        """Let kprobes have a page of slots."""
        cache = self.struct_variable("kprobe_insn_slots", "kprobe_insn_cache")
        page = self.new("kprobe_insn_page", insns=start)
        self.link(cache.at("pages"), page.at("list"))

    def run(self, task: FakeTask) -> None:
        """Let a task be on its CPU."""
        cpu = task.info["cpu"]
        self.idle[cpu].struct["on_cpu"] = 0
        task.struct["on_cpu"] = 1
        task.struct[self._state] = RUNNING
        self.runqueues[cpu]["curr"] = task.struct

    def _idle_task(self, cpu: int) -> FakeTask:
        made = self._make(0, f"swapper/{cpu}", cpu)
        made.struct["patch_state"] = -1
        made.struct["on_cpu"] = 1
        self.runqueues[cpu]["idle"] = self.runqueues[cpu]["curr"] = made.struct
        made.sleeps()
        return made

    def _make(self, pid: int, comm: str, cpu: int) -> FakeTask:
        task = self.new("task_struct", pid=pid, tgid=pid, comm=comm.encode())
        number = len(self.tasks) + (cpu if not pid else 2)
        stack = _STACKS + number * THREAD_SIZE
        self.memory.write(stack, bytes(THREAD_SIZE))
        task["stack"] = stack
        made = FakeTask(self, task, stack)
        made.info["cpu"] = cpu
        made.info["livepatch_sp"] = made.bottom + 8
        self.put_u64(made.bottom, STACK_END_MAGIC)
        return made

    @property
    def _state(self) -> str:
        # 2f064a59a11f ("sched: Change task_struct::state") (in v5.14)
        return "state" if self.build.linux_4_12 else "__state"

    def _link_tasks(self) -> None:
        nodes = [task.struct.at("tasks") for task in self.tasks]
        self.link(self.idle[0].struct.at("tasks"), *nodes)
