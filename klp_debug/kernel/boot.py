# SPDX-License-Identifier: GPL-2.0-or-later
"""
What tells one boot of a kernel from another.

``random.c`` has a boot id, but only once someone has read it. These are set while the kernel boots
and never change after that: they were seen in a running guest and again in its dump.
"""

from collections.abc import Callable, Iterator
from functools import partial

from drgn import FaultError, Object, ObjectAbsentError, Program

from klp_debug.kernel.walk import WalkError, for_each_list_entry

_INIT, _KTHREADD = 1, 2
"""PIDs of the first tasks after swapper/0."""


def boot_facts(prog: Program) -> dict[str, int]:
    """
    Return what is constant through a boot and differs between boots, name -> value.

    - ``boot_tb``, the timebase when the kernel started its clock (``time_init()`` of
      arch/powerpc/kernel/time.c). On PowerVM the timebase counts from when the machine was
      switched on; in QEMU from the guest's start, so that it tells how long the firmware took, in
      ticks of 1/512 microsecond;
    - when init and kthreadd were created, in nanoseconds after boot
      (``copy_process()`` of kernel/fork.c);
    - where kthreadd's ``task_struct`` is, and its stack canary, where the kernel has such: 56
      random bits. (An init of several threads may exchange its own for another by exec.)

    Two boots alike in all that would have to be alike to the nanosecond; only a machine whose time
    is simulated by the instruction (``-icount`` of QEMU) can do that, or one restored from a
    snapshot, which is the same boot indeed.

    >>> list(boot_facts(prog))[:3]
    ['boot_tb', 'PID 1 start_time', 'PID 1 start_boottime']

    :raises WalkError, drgn.FaultError: if the list of tasks cannot be read
    """
    facts: dict[str, int] = {}
    _note(facts, "boot_tb", lambda: prog["boot_tb"])
    for task in _first_tasks(prog):
        pid = task.pid.value_()
        # real_start_time before Linux kernel commit cf25e24db61c ("time: Rename
        # tsk->real_start_time to ->start_boottime") (in v5.5).
        members = ["start_time", "start_boottime", "real_start_time"]
        if pid == _KTHREADD:
            facts["kthreadd"] = task.value_()
            members.append("stack_canary")
        for member in members:
            _note(facts, f"PID {pid} {member}", partial(task.member_, member))
    return facts


def _first_tasks(prog: Program) -> Iterator[Object]:
    head = prog["init_task"].tasks.address_of_()
    for number, task in enumerate(for_each_list_entry("struct task_struct", head, "tasks")):
        if number >= 2:
            return
        if task.pid.value_() not in (_INIT, _KTHREADD):
            raise WalkError(f"PID {task.pid.value_()} is among the first tasks, not 1 and 2")
        yield task


def _note(facts: dict[str, int], name: str, read: Callable[[], Object]) -> None:
    """Note a fact, if this kernel has it."""
    try:
        facts[name] = int(read().value_())
    except FaultError:
        raise
    except (LookupError, ObjectAbsentError, AttributeError):
        return
