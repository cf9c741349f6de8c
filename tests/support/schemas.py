# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds documents to the schemas that klp-debug ships."""

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema_rs

import klp_debug.render

SCHEMAS = Path(klp_debug.render.__file__).with_name("schema")


@functools.cache
def _validator(command: str) -> jsonschema_rs.Draft202012Validator:
    # In Rust: jsonschema takes seconds for the 20,000 sites of a kernel.
    return jsonschema_rs.Draft202012Validator(schema_of(command))


def schema_of(command: str) -> Any:
    """Return the schema of a command's document."""
    return json.loads((SCHEMAS / f"{command}.schema.json").read_text())


def validate(document: Any, command: str) -> None:
    """
    Check that a document is one of a command by its schema.

    :raises jsonschema_rs.ValidationError: if it is not
    """
    _validator(command).validate(document)
