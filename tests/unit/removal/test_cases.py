# SPDX-License-Identifier: GPL-2.0-or-later
"""Which answers the removal test tries in the covering set."""

from klp_debug.command import COMMANDS
from tests.support.removal.cases import command_lines, removal_cases
from tests.support.tier import cases

NOT_ASKED_OF_A_DUMP = {"disarm", "arm", "undo", "journal", "scan"}
"""They write, tell what was written, or ask no target."""


def test_each_command_that_reads_a_dump_is_tried() -> None:
    names = {line.split()[0] for line in command_lines("patched")}
    assert names == {command.name for command in COMMANDS} - NOT_ASKED_OF_A_DUMP


def test_the_covering_set_tries_each_line() -> None:
    lines = {case.line for case in removal_cases()}
    assert lines >= {*command_lines("patched"), *command_lines("stalled")}


def test_the_covering_set_tries_what_has_one_name_with_its_original() -> None:
    lines = {case.line for case in removal_cases() if case.scenario == "namesake"}
    name = "int_to_scsilun"
    assert lines >= {f"func {name}", f"func namesake_patch:{name}", f"site {name}"}


def test_the_covering_set_tries_each_kernel_and_mmu() -> None:
    dumps = {(case.kernel, case.mmu) for case in removal_cases() if case.scenario == "patched"}
    assert dumps == set(cases("patched"))


def test_no_case_is_tried_twice() -> None:
    assert len(set(removal_cases())) == len(removal_cases())
