# SPDX-License-Identifier: GPL-2.0-or-later
"""The schemas are those of the result types."""

import pytest

from docs.schemas import ANSWERS, FOLDER, schema
from klp_debug.command import COMMANDS


def test_one_for_each_command() -> None:
    assert sorted(ANSWERS) == sorted(command.name for command in COMMANDS)


@pytest.mark.parametrize("command", ANSWERS)
def test_they_are_made_of_the_types(command: str) -> None:
    written = (FOLDER / f"{command}.schema.json").read_text(encoding="ascii")
    assert written == schema(command), "run `python -m docs.schemas`"
