# SPDX-License-Identifier: GPL-2.0-or-later
"""What TAB makes of a word at the console's prompt."""

from types import SimpleNamespace
from typing import Any

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from klp_debug.command import COMMANDS
from klp_debug.frontend.completion.console_completer import ConsoleCompleter
from klp_debug.frontend.completion.line_parser import LineParser

NAMES: Any = SimpleNamespace(
    patches=["leaf_patch", "toc_patch"],
    functions_of=lambda patch: ["int_to_scsilun"] if patch == "leaf_patch" else [],
    functions={"vmlinux": ["meminfo_proc_show"], "scsi_common": ["int_to_scsilun"]},
    tasks=["init", "kthreadd"],
)
COMPLETER = ConsoleCompleter(LineParser(COMMANDS, ()), NAMES)


def completed(line: str, behind: str = "") -> list[str]:
    """Return what a line becomes, for each completion of the word before the cursor."""
    document = Document(line + behind, len(line))
    return [
        line[: len(line) + found.start_position] + found.text
        for found in COMPLETER.get_completions(document, CompleteEvent(completion_requested=True))
    ]


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("tran", "transition "),
        ("list", "list "),
        ("disarm leaf", "disarm leaf_patch "),
        ("disarm leaf_patch --dry", "disarm leaf_patch --dry-run "),
        ("disarm leaf_patch --function int", "disarm leaf_patch --function int_to_scsilun "),
        ("disarm leaf_patch --by red", "disarm leaf_patch --by redirect "),
        ("func meminfo", "func meminfo_proc_show "),
        ("bt kth", "bt kthreadd "),
        ("disarm leaf-pa", "disarm leaf_patch "),
        ("disarm leaf-patch --function int", "disarm leaf-patch --function int_to_scsilun "),
        ("site scsi-common:int", "site scsi_common:int_to_scsilun "),
    ],
)
def test_the_only_word_is_followed_by_a_space(line: str, whole: str) -> None:
    assert completed(line) == [whole]


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("func scsi_comm", "func scsi_common:"),
        ("func scsi-comm", "func scsi_common:"),
        ("disarm leaf_patch --func", "disarm leaf_patch --function"),
        ("disarm leaf_patch --by", "disarm leaf_patch --by"),
    ],
)
def test_a_word_that_may_go_on_is_not(line: str, whole: str) -> None:
    """A function follows the module; an option's value a space or a ``=``."""
    assert completed(line) == [whole]


def test_neither_is_one_of_several_nor_one_before_a_space() -> None:
    assert completed("disarm ") == ["disarm leaf_patch", "disarm toc_patch"]
    assert completed("a") == ["arm", "audit"]
    assert completed("disarm le", behind=" --yes") == ["disarm leaf_patch"]
    assert completed("nosuch x") == []
