# SPDX-License-Identifier: GPL-2.0-or-later
"""
The hazards that ``scan`` found as SARIF 2.1.0, the OASIS format of static analysis results.

Code hosts ask for more than the format does: a path below the folder that is checked out, a line,
and a fingerprint of a name that they know. An object file has no lines, so its first stands for
the whole; the function is a logical location.
"""

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from klp_debug.result.scan import Hazard, Scan

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_PROBLEM_SEVERITIES = {"error": "error", "warning": "warning", "note": "recommendation"}


def as_sarif(answer: Scan) -> str:
    """
    Return a log of one run; what a baseline accepts is in it, as suppressed.

    Files below the working directory are named relative to it, as a build names them.
    """
    kinds = {hazard.id: hazard for hazard in answer.hazards}
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
                "executionSuccessful": not answer.problems,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": f"{problem.where}: {problem.what}"}}
                    for problem in answer.problems
                ],
            }
        ],
        "results": [_result(hazard, index[hazard.id]) for hazard in answer.hazards],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(kind: Hazard) -> dict[str, Any]:
    return {
        "id": kind.id,
        "shortDescription": {"text": kind.id.replace("-", " ")},
        "fullDescription": {"text": kind.meaning},
        "help": {
            "text": f"{kind.meaning}\n\n{kind.action}",
            "markdown": f"{kind.meaning}\n\n**Do:** {kind.action}",
        },
        "defaultConfiguration": {"level": kind.level},
        "properties": {
            "tags": ["livepatch", "ppc64le"],
            "problem.severity": _PROBLEM_SEVERITIES[kind.level],
        },
    }


def _result(hazard: Hazard, rule: int) -> dict[str, Any]:
    result = {
        "ruleId": hazard.id,
        "ruleIndex": rule,
        "level": hazard.level,
        "message": {"text": f"{hazard.subject}: {hazard.evidence}. {hazard.meaning}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(hazard.file)},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": hazard.subject}],
            }
        ],
        "partialFingerprints": {
            # The one that GitHub compares; without it, it hashes the file, which a rebuild changes.
            "primaryLocationLineHash": f"{hazard.fingerprint}:1",
            "klpDebugHazard/v1": hazard.fingerprint,
        },
    }
    if hazard.accepted:
        result["suppressions"] = [{"kind": "external", "justification": "in the baseline"}]
    return result


def _uri(file: str) -> str:
    """Return a relative reference; of an absolute path elsewhere, a file URI."""
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path))
