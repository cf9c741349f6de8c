# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands inside a debugger whose kernel runs on."""

import gc

import pytest
from drgn import Program

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.view_cache import view_of
from klp_debug.frontend import hosted_commands
from klp_debug.frontend.hosted_commands import answer, hosted_parser
from klp_debug.result.list import PatchList
from klp_debug.targets.host_program import target_of
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.conftest import Played
from tests.support.sure import whole

pytestmark = pytest.mark.lab

PATCH = "cmdline_patch_2"


def listing(prog: Program) -> PatchList:
    given = answer(hosted_parser("klp", ""), lambda: target_of(prog), ["list"])
    assert isinstance(given, PatchList)
    return given


def test_a_kernel_that_changes_while_it_is_read(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An answer that the change fell into is not given, but the next.

    Where each try meets a change, the answer says so.
    """
    guest, _ = played("patched", "radix", "6.1")
    changes: list[str] = []

    def meanwhile(prog: Program) -> KernelView:
        if changes:
            guest.check(changes.pop())
        return view_of(prog)

    monkeypatch.setattr(hosted_commands, "view_of", meanwhile)
    options = TargetOptions(qemu=str(guest.qmp_socket), symbols=(guest.image.vmlinux,))
    with open_target(options) as target:
        before = [patch.name for patch in whole(listing(target.prog).patches)]
        changes[:] = [f"disable-patch {PATCH}"]
        listed = listing(target.prog)
        assert not changes
        assert listed.problems == ()
        assert [patch.name for patch in whole(listed.patches)] == [n for n in before if n != PATCH]
        guest.check(f"rmmod {PATCH}")
        changes[:] = [f"disable-patch {PATCH} && rmmod {PATCH}", f"load-patch {PATCH}"] * 2
        assert "unstable" in {problem.where for problem in listing(target.prog).problems}
        assert not changes
        guest.check(f"load-patch {PATCH}")
        assert [patch.name for patch in whole(listing(target.prog).patches)] == before
    del target
    gc.collect()  # drgn keeps the QMP socket as long as there is a program
