# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``list``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.list import Patch, PatchList, RetiredPatch, TaskInside, Tasks, Transition
from klp_debug.result.patch_details import (
    LongList,
    ObjectDetails,
    PatchDetails,
    ShadowVariable,
)
from klp_debug.result.unknown import Unknown
from tests.support.answers.kernel import KERNEL
from tests.support.answers.list import ABSENT, BELOW, TOP, UNKNOWN, obj, patch
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden

UNREADABLE = Problem("list klp_patches", "is cut")
UNREAD = Unknown("list klp_patches: is cut")


def answer(
    *patches: Patch | Unknown,
    transition: Transition | Unknown | None = None,
    problems: tuple[Problem, ...] = (),
) -> PatchList:
    return PatchList(KERNEL, patches, transition, (), problems)


def test_patches(golden: Golden) -> None:
    scsi = obj("scsi_common", TOP, BELOW)
    absent = obj("ext4", ABSENT, loaded=False)
    empty = obj("vmlinux")
    three = patch(scsi, absent), patch(empty, name="second", enabled=False), patch(name="third")
    golden("list", "ordinary", as_text(answer(*three)))
    golden("list", "replace-set", as_text(answer(patch(empty, replace=True, replace_set=3))))


def moving(transition: Transition | Unknown, top: Tasks | Unknown, below: Tasks | Unknown) -> str:
    """Return the text of a patch in transition: its version, a nop, and what is below."""
    first = dataclasses.replace(TOP, runs="in transition", transition=True, tasks=top)
    nop = dataclasses.replace(first, nop=True)
    under = dataclasses.replace(BELOW, sympos=1, runs="in transition", tasks=below)
    vmlinux = obj("vmlinux", first, nop, under)
    replacing = patch(vmlinux, transition=transition, replace=True, forced=True)
    return as_text(answer(replacing, transition=transition))


def test_a_transition(golden: Golden) -> None:
    golden("list", "transition", moving("patching", "already switched", "not yet switched"))


def test_a_transition_back(golden: Golden) -> None:
    golden("list", "transition-back", moving("unpatching", "not yet switched", "already switched"))


def test_a_transition_of_unknown_direction(golden: Golden) -> None:
    golden("list", "transition-unknown", moving(UNREAD, UNREAD, UNREAD))


def test_disarmed(golden: Golden) -> None:
    """By a debugger: the patch as a whole is, and of its functions those that say by what."""
    held = dataclasses.replace(TOP, disarmed="ops", runs="original")
    whole = patch(obj("vmlinux", held, TOP))
    assert whole.disarmed
    golden("list", "disarmed", as_text(answer(whole)))


def test_no_patch(golden: Golden) -> None:
    golden("list", "empty", as_text(answer()))


def test_no_patch_could_be_read(golden: Golden) -> None:
    golden("list", "unreadable", as_text(answer(UNREAD, problems=(UNREADABLE,))))


def test_problems(golden: Golden) -> None:
    some = answer(patch(obj("vmlinux", TOP)), UNREAD, problems=(UNREADABLE, Problem("x", "y")))
    golden("list", "problems", as_text(some))


def test_hostile_names(golden: Golden) -> None:
    every = patch(obj("vmlinux", TOP, BELOW), obj("ext4", loaded=False), transition="unpatching")
    golden(
        "list",
        "hostile-names",
        as_text(with_names(answer(every, transition="unpatching"), HOSTILE)),
    )


def test_long_names(golden: Golden) -> None:
    golden("list", "long-names", as_text(with_names(answer(patch(obj("vmlinux", BELOW))), LONG)))


def test_what_is_unknown(golden: Golden) -> None:
    golden("list", "unknown", as_text(UNKNOWN))


def test_no_patch_is_known_and_maybe_a_transition_is_under_way() -> None:
    assert as_text(answer(transition=UNREAD)).endswith(
        "\nno live patch is loaded; whether a transition is in progress is unknown"
    )


def test_a_transition_of_a_patch_that_could_not_be_read() -> None:
    assert as_text(answer(UNREAD, transition="patching")).endswith(
        "\nat least 0 patches, at least 0 functions; a patch that is unknown is patching"
    )


RETIRED = RetiredPatch(
    name="sleep_patch",
    references=1,
    inside=(
        TaskInside(pid=185, comm="cat", frame="sleeping_show+0x8c [sleep_patch]"),
        TaskInside(pid=186, comm=UNREAD, frame="sleeping_show+0x8c [sleep_patch]"),
        Unknown("stack of task 187: page 0x3ee0000 is not in the dump"),
    ),
)
NOT_ASKED = dataclasses.replace(RETIRED, inside=None)
EMPTY = RetiredPatch(name="cmdline_patch_1", references=UNREAD, inside=())


def test_patches_that_are_applied_no_more(golden: Golden) -> None:
    one = answer(patch(obj("scsi_common", TOP)))
    golden("list", "retired", as_text(dataclasses.replace(one, retired=(NOT_ASKED,))))
    golden(
        "list", "retired-all", as_text(dataclasses.replace(one, retired=(RETIRED, EMPTY, UNREAD)))
    )


def test_only_patches_that_are_applied_no_more(golden: Golden) -> None:
    golden("list", "only-retired", as_text(dataclasses.replace(answer(), retired=(NOT_ASKED,))))


LONG_LIST = LongList(
    taint="GOK",
    patches=(
        PatchDetails(
            name="first",
            version="1.2-3",
            srcversion=None,
            taints="OK",
            enabled_at=3.198821,
            objects=(
                ObjectDetails(
                    name="vmlinux", callbacks=("pre_patch", "post_unpatch"), applied_at=None
                ),
                ObjectDetails(name="ext4", callbacks=(), applied_at=5.25),
            ),
        ),
        PatchDetails(
            name="second",
            version=UNREAD,
            srcversion=UNREAD,
            taints="",
            enabled_at=None,
            objects=(ObjectDetails(name="ext4", callbacks=(), applied_at=UNREAD), UNREAD),
        ),
        UNREAD,
    ),
    shadow_variables=(
        ShadowVariable(
            id=Address(0x51AD),
            object=Address(0xC00000000131F780),
            data=Address(0xC0000000020433F0),
            room=16,
        ),
        ShadowVariable(id=Address(1), object=Address(0x1000), data=Address(0x2000), room=UNREAD),
        UNREAD,
    ),
)


def test_long(golden: Golden) -> None:
    one = answer(patch(obj("scsi_common", TOP)))
    golden("list", "long", as_text(dataclasses.replace(one, long=LONG_LIST)))
    bare = LongList(taint="", patches=(), shadow_variables=())
    assert as_text(dataclasses.replace(one, long=bare)).endswith(
        "no shadow variable\nkernel taint: none"
    )
