# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs klp-debug as a user does."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

import klp_debug.render

SCHEMAS = Path(klp_debug.render.__file__).with_name("schema")


@dataclass(frozen=True)
class Ran:
    """What one run printed."""

    status: int
    out: str
    err: str


def klp_debug_run(*words: str | Path) -> Ran:
    """Run ``klp-debug`` in a process of its own."""
    command = [sys.executable, "-m", "klp_debug", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def klp_debug_json(command: str | Path, *words: str | Path, status: int = 0) -> Any:
    """Run ``klp-debug COMMAND --json``; return its document, checked against its schema."""
    ran = klp_debug_run(command, *words, "--json")
    assert (ran.status, ran.err) == (status, ""), ran.err or ran.out[:2000]
    document = json.loads(ran.out)
    schema = json.loads((SCHEMAS / f"{command}.schema.json").read_text())
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
    return document


def refusal(*words: str | Path) -> str:
    """Run ``klp-debug`` with input it cannot use; return its one sentence."""
    ran = klp_debug_run(*words)
    assert ran.status == 2, ran
    assert ran.out == ""
    assert ran.err.startswith("klp-debug: ")
    assert ran.err.count("\n") == 1
    return ran.err
