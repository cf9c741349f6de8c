# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects that a patch keeps from being loaded again."""

import dataclasses

import pytest

from klp_debug.analysis.patches.barred import barred_at
from klp_debug.result.unknown import Unknown
from klp_debug.targets.vmcoreinfo import Vmcoreinfo
from tests.support.fake_klp_relocation import ADDR64, REL24, FakeRelocation, klp_relocation
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP

LD_R2 = 0xE8410018


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.patch("first", made.function("f"))
    return made


def relocated(kernel: FakeKernel, word: int, *, type_: int = REL24) -> FakeRelocation:
    """Give the patch a call into scsi_common, with a word behind it."""
    made = klp_relocation(kernel, kernel.patches[0], "scsi_common", type_=type_)
    kernel.put_words(made.place, 0x48000001, word)
    return made


def barred(kernel: FakeKernel, obj: str = "scsi_common", release: str = "") -> int | Unknown | None:
    view = kernel.view()
    if release:
        told = Vmcoreinfo(view.target.vmcoreinfo.text.replace("6.1.0-fake", release))
        view.target = dataclasses.replace(view.target, vmcoreinfo=told)
    return barred_at(view, kernel.patches[0].module.struct.object, obj)


def test_a_call_that_is_relocated_already(kernel: FakeKernel) -> None:
    made = relocated(kernel, LD_R2)
    assert barred(kernel) == made.place
    assert barred(kernel, "another") is None


def test_a_call_that_is_as_it_was_compiled(kernel: FakeKernel) -> None:
    relocated(kernel, NOP)
    assert barred(kernel) is None


def test_a_pointer_bars_nothing(kernel: FakeKernel) -> None:
    relocated(kernel, LD_R2, type_=ADDR64)
    assert barred(kernel) is None


@pytest.mark.parametrize(
    ("release", "minds"),
    [
        ("5.14.0-570.el9", True),
        ("6.2.16", True),
        ("6.3.0", False),
        ("6.12.1", False),
        ("7.2", False),
    ],
)
def test_since_6_3_the_kernel_does_not_mind(kernel: FakeKernel, release: str, minds: bool) -> None:
    made = relocated(kernel, LD_R2)
    assert barred(kernel, release=release) == (made.place if minds else None)


def test_a_place_that_cannot_be_read(kernel: FakeKernel) -> None:
    made = relocated(kernel, LD_R2)
    kernel.memory.lose(made.place)
    assert isinstance(barred(kernel), Unknown)
