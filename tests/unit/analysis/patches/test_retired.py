# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches that are applied no more, whose modules are loaded."""

import pytest

from klp_debug.analysis.patches.retired import RetiredModule, retired_modules
from klp_debug.analysis.view.walked import Walked
from klp_debug.result.unknown import Unknown
from tests.support.fake_livepatch import FakePatch
from tests.support.fake_view import FakeKernel

COMING, GOING = 1, 2


@pytest.fixture
def kernel() -> FakeKernel:
    """A kernel with a patch, and an ordinary module."""
    made = FakeKernel()
    made.patch("applied", made.function("f", "scsi_common"))
    return made


def retire(kernel: FakeKernel, name: str) -> FakePatch:
    """Load a patch, and take it off the list again."""
    patch = kernel.patch(name, kernel.function(f"of_{name}"))
    kernel.patches.remove(patch)
    kernel.link(kernel.klp_patches, *(one.struct.at("list") for one in kernel.patches))
    return patch


def test_none(kernel: FakeKernel) -> None:
    assert retired_modules(kernel.view()) == Walked((), None)


def test_those_that_left_the_list_with_who_holds_them(kernel: FakeKernel) -> None:
    retire(kernel, "first")
    retire(kernel, "second").module.struct["refcnt.counter"] = 3
    assert retired_modules(kernel.view()) == Walked(
        (RetiredModule("first", 0), RetiredModule("second", 2)), None
    )


def test_one_that_is_not_yet_applied(kernel: FakeKernel) -> None:
    module = retire(kernel, "first").module
    module.struct["state"] = COMING
    assert retired_modules(kernel.view()).items == ()
    module.struct["state"] = GOING
    assert [one.name for one in retired_modules(kernel.view())] == ["first"]


def test_behind_a_patch_that_cannot_be_read_none_is_known_to_be_retired(
    kernel: FakeKernel,
) -> None:
    retire(kernel, "first")
    kernel.patches[0].struct.lose()
    found = retired_modules(kernel.view())
    assert found.items == ()
    assert isinstance(found.missing, Unknown)


def test_a_module_that_cannot_be_read(kernel: FakeKernel) -> None:
    retire(kernel, "first")
    retire(kernel, "second").module.struct.lose()
    found = retired_modules(kernel.view())
    assert isinstance(found.missing, Unknown)
