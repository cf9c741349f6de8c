# SPDX-License-Identifier: GPL-2.0-or-later
"""What an answer can be printed as."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from klp_debug.render.as_csv import as_csv
from klp_debug.render.as_json import as_json
from klp_debug.render.as_sarif import as_sarif
from klp_debug.render.as_text import as_text


@dataclass(frozen=True, slots=True)
class Format:
    """One form."""

    render: Callable[[Any], str]
    """Takes an answer of a command that offers this form."""
    help: str


FORMATS = {
    "text": Format(as_text, "print text"),
    "json": Format(as_json, "print a JSON document"),
    "csv": Format(as_csv, "print a table of all functions as comma-separated values"),
    "sarif": Format(as_sarif, "print the hazards as SARIF 2.1.0, which code hosts show"),
}
