# SPDX-License-Identifier: GPL-2.0-or-later
"""
Livepatch structures.

Walks ``struct klp_patch``, ``klp_object``, ``klp_func`` and ``klp_ops``, from Linux 4.12 to
7.2. Source: include/linux/livepatch.h and kernel/livepatch/.
"""

from collections.abc import Iterator

from drgn import Object, Program, container_of

from klp_debug.kernel.walk import (
    MAX_ENTRIES,
    WalkError,
    c_array_string,
    for_each_list_entry,
)

_TAINT_LIVEPATCH = 15
KLP_PATCHED = 1
"""Where a transition to a patch leads: ``KLP_TRANSITION_PATCHED`` since 6.10."""


def has_livepatch(prog: Program) -> bool:
    """
    Return whether the kernel was built with ``CONFIG_LIVEPATCH``, by its debugging information.

    >>> has_livepatch(prog)
    True
    """
    try:
        prog.type("struct klp_patch")
        prog["klp_patches"]
    except LookupError:
        return False
    return True


def for_each_klp_patch(prog: Program) -> Iterator[Object]:
    """
    Iterate over the registered patches, in stacking order.

    >>> [klp_patch_name(patch) for patch in for_each_klp_patch(prog)]
    ['leaf_patch', 'toc_patch', 'cmdline_patch_1', 'cmdline_patch_2']

    :return: iterator of ``struct klp_patch *``
    :raises WalkError, drgn.FaultError: where ``klp_patches`` is damaged or unreadable
    """
    head = prog["klp_patches"].address_of_()
    yield from for_each_list_entry("struct klp_patch", head, "list")


def for_each_klp_object(patch: Object) -> Iterator[Object]:
    """
    Iterate over the objects of a patch.

    >>> [bool(obj.name) for obj in for_each_klp_object(patch)]  # NULL is vmlinux
    [False]

    :param patch: ``struct klp_patch *``
    :return: iterator of ``struct klp_object *``
    :raises WalkError, drgn.FaultError: where the list is damaged or unreadable
    """
    try:
        # Since 5.1 objects are on a list, because those that an atomic replace makes come
        # later than the patch's own.
        head = patch.obj_list
    except AttributeError:
        yield from _array(patch.objs, ("funcs", "name"))
        return
    yield from for_each_list_entry("struct klp_object", head.address_of_(), "node")


def for_each_klp_func(obj: Object) -> Iterator[Object]:
    """
    Iterate over the functions of an object.

    >>> [c_string(func.old_name) for func in for_each_klp_func(obj)]
    ['cmdline_proc_show']

    :param obj: ``struct klp_object *``
    :return: iterator of ``struct klp_func *``
    :raises WalkError, drgn.FaultError: where the list is damaged or unreadable
    """
    try:
        head = obj.func_list  # since 5.1, as klp_patch.obj_list
    except AttributeError:
        yield from _array(obj.funcs, ("old_name", "new_func", "old_sympos"))
        return
    yield from for_each_list_entry("struct klp_func", head.address_of_(), "node")


def _array(first: Object, members: tuple[str, ...]) -> Iterator[Object]:
    """Iterate over an array of structures that ends with one whose members are all 0."""
    for index in range(MAX_ENTRIES):
        entry = first + index
        if not any(entry.member_(member).value_() for member in members):
            return
        yield entry
    raise WalkError(f"array at {first.value_():#x} has no end")


def for_each_klp_ops(prog: Program) -> Iterator[Object]:
    """
    Iterate over the ``klp_ops``: one for each function that has a func_stack.

    >>> len(list(for_each_klp_ops(prog)))  # one a replaced function
    3

    :return: iterator of ``struct klp_ops *``
    :raises WalkError, drgn.FaultError: where the list is damaged or unreadable
    """
    yield from for_each_list_entry("struct klp_ops", prog["klp_ops"].address_of_(), "node")


def for_each_stacked_klp_func(ops: Object) -> Iterator[Object]:
    """
    Iterate over what is on an ops' func_stack, top first.

    >>> [klp_patch_name(klp_func_patch(func)) for func in for_each_stacked_klp_func(ops)]
    ['cmdline_patch_2', 'cmdline_patch_1']

    :param ops: ``struct klp_ops *``
    :return: iterator of ``struct klp_func *``
    :raises WalkError, drgn.FaultError: where the list is damaged or unreadable
    """
    head = ops.func_stack.address_of_()
    return for_each_list_entry("struct klp_func", head, "stack_node")


def klp_func_stack(ops: Object) -> list[Object]:
    """
    Return what is on an ops' func_stack, top first.

    >>> [klp_patch_name(klp_func_patch(func)) for func in klp_func_stack(ops)]
    ['cmdline_patch_2', 'cmdline_patch_1']

    :param ops: ``struct klp_ops *``
    :return: list of ``struct klp_func *``
    :raises WalkError, drgn.FaultError: if the list is damaged or unreadable
    """
    return list(for_each_stacked_klp_func(ops))


def klp_func_stack_top(ops: Object) -> Object | None:
    """
    Return the top of an ops' func_stack, which need not be readable; None if that is empty.

    >>> klp_patch_name(klp_func_patch(klp_func_stack_top(ops)))
    'cmdline_patch_2'

    :param ops: ``struct klp_ops *``
    :return: ``struct klp_func *``
    :raises drgn.FaultError: if the ops cannot be read
    """
    first = ops.func_stack.next.read_()
    if first == ops.func_stack.address_of_():
        return None
    return container_of(first, "struct klp_func", "stack_node")


def klp_func_old_address(func: Object) -> int:
    """
    Return the global entry point of the original function, 0 while it is not resolved.

    >>> hex(klp_func_old_address(func))
    '0xc0080000001401e0'

    :param func: ``struct klp_func *``
    """
    try:
        # Since 5.1; old_addr before.
        return int(func.old_func.value_())
    except AttributeError:
        return int(func.old_addr.value_())


def klp_func_nop(func: Object) -> bool:
    """
    Return whether the function is a nop: callers go to the original.

    >>> klp_func_nop(func)
    False

    :param func: ``struct klp_func *``
    """
    try:
        # Since Linux kernel commit e1452b607c48 ("livepatch: Add atomic replace") (in v5.1).
        return bool(func.nop)
    except AttributeError:
        return False


def klp_func_patch(func: Object) -> Object:
    """
    Return the patch that a func belongs to, by the parents of its kobject.

    >>> klp_patch_name(klp_func_patch(func))
    'leaf_patch'

    :param func: ``struct klp_func *``
    :return: ``struct klp_patch *``
    :raises drgn.FaultError: if a parent cannot be read
    """
    obj = container_of(func.kobj.parent.read_(), "struct klp_object", "kobj")
    return container_of(obj.kobj.parent.read_(), "struct klp_patch", "kobj")


def klp_patch_name(patch: Object) -> str:
    """
    Return the name of a patch: its module's.

    >>> klp_patch_name(patch)
    'leaf_patch'

    :param patch: ``struct klp_patch *``
    :raises drgn.FaultError: if it cannot be read
    """
    return c_array_string(patch.mod.name)


def klp_patch_replace(patch: Object) -> bool:
    """
    Return whether the patch replaces earlier ones: all, or those of its ``replace_set``.

    >>> klp_patch_replace(patch)
    False

    :param patch: ``struct klp_patch *``
    """
    if klp_patch_replace_set(patch) is not None:
        return True
    try:
        return bool(patch.replace)  # since the same commit as klp_func.nop
    except AttributeError:
        return False


def klp_patch_replace_set(patch: Object) -> int | None:
    """
    Return the set of which the patch replaces all earlier ones; None in a kernel without sets.

    It was posted in May 2026 in place of ``replace``: each patch replaces those of the same number.

    >>> klp_patch_replace_set(patch) is None
    True

    :param patch: ``struct klp_patch *``
    """
    try:
        return int(patch.replace_set)
    except AttributeError:
        return None


def klp_patch_forced(patch: Object) -> bool:
    """
    Return whether a transition of the patch was forced, so that it can never be unloaded.

    Before Linux kernel commit 68007289bf3c ("livepatch: Don't block the removal of patches loaded
    after a forced transition") (in v5.1) the first one that is forced does so to every patch.

    >>> klp_patch_forced(patch)
    False

    :param patch: ``struct klp_patch *``
    """
    try:
        return bool(patch.forced)
    except AttributeError:
        pass
    try:
        return bool(patch.prog_["klp_forced"])
    except KeyError:
        # Before Linux kernel commit c99a2be790b0 ("livepatch: force transition to finish") (in
        # v4.16) no transition can be.
        return False


def klp_transition_patch(prog: Program) -> Object | None:
    """
    Return the patch whose transition is under way.

    >>> klp_transition_patch(prog) is None
    True

    :return: ``struct klp_patch *``, or None if there is no transition
    :raises drgn.FaultError: if it cannot be read
    """
    patch = prog["klp_transition_patch"]
    return patch.read_() if patch else None


def livepatch_tainted(prog: Program) -> bool:
    """
    Return whether a live patch was ever loaded since boot (``TAINT_LIVEPATCH``, ``K``).

    >>> livepatch_tainted(prog)
    True

    :raises drgn.FaultError, LookupError: if it cannot be read
    """
    return bool(prog["tainted_mask"].value_() >> _TAINT_LIVEPATCH & 1)


def klp_target_state(prog: Program) -> int:
    """
    Return where the transition leads: ``KLP_PATCHED``, 0 (unpatched), or -1 for none.

    >>> klp_target_state(prog)
    -1
    """
    return int(prog["klp_target_state"].value_())
