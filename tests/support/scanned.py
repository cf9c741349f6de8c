# SPDX-License-Identifier: GPL-2.0-or-later
"""
Answers of ``scan`` in this process: what files are compared with is read once for all tests.

That the command prints the same, other tests show, which run it as a user does.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from klp_debug.render.as_json import as_json
from klp_debug.scan.census import FunctionKind
from klp_debug.scan.scan import Scanner
from tests.support.schemas import validate


@lru_cache(maxsize=2)
def scanner(against: tuple[Path, ...], *, functions: bool = False) -> Scanner:
    kinds = frozenset(FunctionKind) if functions else None
    return Scanner(against=against, kinds=kinds)


def scan_json(path: Path, *against: Path, functions: bool = False) -> Any:
    """Return the document of one file, checked against its schema."""
    answer = scanner(against, functions=functions).scan([path], "note", lambda name: None)
    document = json.loads(as_json(answer))
    validate(document, "scan")
    return document
