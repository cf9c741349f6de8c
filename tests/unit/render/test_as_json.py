# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON document of each command: as its golden file has it, and as its schema says."""

import dataclasses
import json

import pytest

from klp_debug.command import COMMANDS
from klp_debug.render.as_json import as_json
from klp_debug.result.unknown import AtLeast, Unknown
from tests.support.answers.every_command import ANSWERS, UNKNOWN
from tests.support.answers.func import PATCHED
from tests.support.answers.ops import UNKNOWN as UNKNOWN_OPS
from tests.support.answers.scan import MODULE, scan
from tests.support.answers.with_text import HOSTILE, with_names
from tests.support.golden import Golden
from tests.support.schemas import validate


def test_each_command_is_here() -> None:
    assert sorted(ANSWERS) == sorted(command.name for command in COMMANDS)


@pytest.mark.parametrize("name", ANSWERS)
def test_documents(name: str, golden: Golden) -> None:
    golden("json", name, as_json(ANSWERS[name]), kind="json")


@pytest.mark.parametrize("name", UNKNOWN)
def test_documents_of_what_is_unknown(name: str, golden: Golden) -> None:
    golden("json", f"{name}-unknown", as_json(UNKNOWN[name]), kind="json")
    validate(json.loads(as_json(UNKNOWN[name])), name)


def test_what_is_unknown_is_an_object_with_its_reason() -> None:
    answer = dataclasses.replace(
        UNKNOWN_OPS, ftrace_enabled=Unknown("not in the dump"), sites=AtLeast(7, "is cut")
    )
    document = json.loads(as_json(answer))
    assert document["ftrace_enabled"] == {"unknown": "not in the dump"}
    assert document["sites"] == {"at_least": 7, "unknown": "is cut"}


def test_no_document_of_what_is_none(golden: Golden) -> None:
    golden.only("json", [*ANSWERS, *(f"{name}-unknown" for name in UNKNOWN)], kind="json")


@pytest.mark.parametrize("name", ANSWERS)
def test_documents_are_as_their_schema_says(name: str) -> None:
    for answer in (ANSWERS[name], with_names(ANSWERS[name], HOSTILE)):
        validate(json.loads(as_json(answer)), name)


def test_strings_are_whole() -> None:
    """Escaped as JSON does; a reader has them as the target does."""
    text = as_json(with_names(scan(MODULE), HOSTILE))
    assert text.isascii()
    assert json.loads(text)["files"][0]["dialect"] == HOSTILE


def test_addresses_and_words_are_strings() -> None:
    document = json.loads(as_json(PATCHED))
    assert document["address"] == "0xc0080000001401e0"
    assert document["entry"]["global"] == "0xc0080000001401e0"
    assert document["listing"][2]["words"] == ["0x04100000", "0xe5800020"]
