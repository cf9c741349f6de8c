# SPDX-License-Identifier: GPL-2.0-or-later
"""
The hazards that ``scan`` found as SARIF 2.1.0, the OASIS format of static analysis results.

An object file has no lines: a result names the file, and the function as a logical location.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from klp_debug.result.scan import Hazard, Scan

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(answer: Scan) -> str:
    """Return a log of one run; what a baseline accepts is in it, as suppressed."""
    kinds = {one.id: one for one in answer.hazards}
    index = {id_: number for number, id_ in enumerate(kinds)}
    run = {
        "tool": {
            "driver": {
                "name": "klp-debug",
                "version": version("klp-debug"),
                "rules": [_rule(kind) for kind in kinds.values()],
            }
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": f"{one.where}: {one.what}"}}
                    for one in answer.problems
                ],
            }
        ],
        "results": [_result(one, index[one.id]) for one in answer.hazards],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(kind: Hazard) -> dict[str, Any]:
    return {
        "id": kind.id,
        "shortDescription": {"text": kind.meaning},
        "help": {"text": kind.action},
        "defaultConfiguration": {"level": kind.level},
    }


def _result(hazard: Hazard, rule: int) -> dict[str, Any]:
    result = {
        "ruleId": hazard.id,
        "ruleIndex": rule,
        "level": hazard.level,
        "message": {"text": f"{hazard.subject}: {hazard.evidence}. {hazard.meaning}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": _uri(hazard.file)}},
                "logicalLocations": [{"fullyQualifiedName": hazard.subject}],
            }
        ],
        "partialFingerprints": {"klpDebugHazard/v1": hazard.fingerprint},
    }
    if hazard.accepted:
        result["suppressions"] = [{"kind": "external", "justification": "in the baseline"}]
    return result


def _uri(file: str) -> str:
    """Return a relative path as a relative reference, an absolute one as a file URI."""
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
