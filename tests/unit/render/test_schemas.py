# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command has a schema, and no schema points to nowhere."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from klp_debug.analysis.catalogue import KINDS
from klp_debug.command import COMMANDS
from klp_debug.scan.hazards import HAZARDS
from tests.support.schemas import SCHEMAS

NAMES = [command.name for command in COMMANDS]


def load(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def test_one_for_each_command() -> None:
    assert sorted(NAMES) == sorted(path.name.split(".")[0] for path in SCHEMAS.glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_references_lead_somewhere(name: str) -> None:
    schema = load(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    for reference in references(schema):
        assert reference.removeprefix("#/$defs/") in schema["$defs"]


@pytest.mark.parametrize("name", ["audit", "site", "report"])
def test_findings_are_those_of_the_catalogue(name: str) -> None:
    assert load(name)["$defs"]["Finding"]["properties"]["id"]["enum"] == [kind.id for kind in KINDS]


def test_hazards_are_those_of_the_catalogue() -> None:
    ids = load("scan")["$defs"]["Hazard"]["properties"]["id"]
    assert ids["enum"] == [kind.id for kind in HAZARDS]
