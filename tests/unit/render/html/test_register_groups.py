# SPDX-License-Identifier: GPL-2.0-or-later
"""The registers of a crash, in two groups: none is lost, and none is there twice."""

import dataclasses

from klp_debug.render.html.register_groups import register_groups
from tests.support.answers.report import REGISTERS


def test_what_live_patching_is_about_comes_first() -> None:
    groups = register_groups(REGISTERS)
    assert groups.first == (
        ("NIP", "0000000000000000"),
        ("LR", "c0080000001201e8"),
        ("CTR", "0000000000000000"),
        ("DAR", "0000000000000000"),
        ("CFAR", "c0080000001201e4"),
        ("TRAP", "0400"),
        ("r0", "0000000000000000"),
        ("r1", "0000000000000001"),
        ("r2", "0000000000000002"),
        ("r12", "000000000000000c"),
    )
    names = [name for name, _ in (*groups.first, *groups.others)]
    assert sorted(names) == sorted(
        [
            *(f"r{number}" for number in range(32)),
            *("NIP", "LR", "CTR", "TRAP", "DAR", "CFAR", "MSR", "XER", "CR", "DSISR"),
        ]
    )
    assert ("r31", "000000000000001f") in groups.others


def test_registers_that_are_not_saved_are_left_out() -> None:
    """QEMU saves neither what the interrupt was nor what it left."""
    unsaved = dataclasses.replace(REGISTERS, trap=None, dar=None, dsisr=None, cfar=None)
    groups = register_groups(unsaved)
    names = {name for name, _ in (*groups.first, *groups.others)}
    assert not names & {"TRAP", "DAR", "DSISR", "CFAR"}
