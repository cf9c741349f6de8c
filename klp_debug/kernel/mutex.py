# SPDX-License-Identifier: GPL-2.0-or-later
"""Who holds a mutex. Source: kernel/locking/mutex.c."""

from drgn import Object, cast

_MUTEX_FLAGS = 7


def mutex_owner(mutex: Object) -> Object | None:
    """
    Return the task that holds a mutex.

    The owner has been a word with flags since Linux kernel commit 3ca0ff571b09 (in v4.10); with
    PREEMPT_RT a mutex is an rt_mutex, whose owner has one flag.

    :param mutex: ``struct mutex``
    :return: ``struct task_struct *``, or None if it is free
    :raises drgn.FaultError: if it cannot be read
    """
    try:
        word = mutex.owner.counter.value_()
    except AttributeError:
        word = mutex.rtmutex.owner.value_()
    owner = word & ~_MUTEX_FLAGS
    if not owner:
        return None
    return cast("struct task_struct *", Object(mutex.prog_, "unsigned long", owner))
