# SPDX-License-Identifier: GPL-2.0-or-later
"""
Who holds a mutex.

drgn's own ``mutex_owner()`` does not know the mutex of a PREEMPT_RT kernel, which has no member
``owner`` but is an rt_mutex. Source: kernel/locking/mutex.c, include/linux/mutex.h,
kernel/locking/rtmutex_common.h.
"""

from drgn import Object, cast

_MUTEX_FLAGS = 7


def mutex_owner(mutex: Object) -> Object | None:
    """
    Return the task that holds a mutex.

    The owner is a word with flags since Linux kernel commit 3ca0ff571b09 ("locking/mutex: Rework
    mutex::owner") (in v4.10). That of an rt_mutex has one flag.

    >>> mutex_owner(prog['klp_mutex']) is None
    True

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
