# SPDX-License-Identifier: GPL-2.0-or-later
"""Any answer as JSON."""

import dataclasses
import json
from typing import Any

from klp_debug.result.address import Address, Word
from klp_debug.result.common import Answer
from klp_debug.result.unknown import AtLeast, Unknown


def as_json(answer: Answer) -> str:
    """
    Return an answer as a JSON document, indented by two, in ASCII.

    Field names are keys (a trailing underscore, which avoids Python's keywords, is dropped);
    addresses are strings like ``"0xc000000000313e50"``, instruction words like
    ``"0x7c0802a6"``. What is unknown is ``{"unknown": REASON}``, a number of which not all was seen
    ``{"at_least": N, "unknown": REASON}``; a list that has such an element is incomplete.
    """
    return json.dumps(_plain(answer), indent=2)


def _plain(value: Any) -> Any:
    if isinstance(value, Unknown):
        return {"unknown": value.reason}
    if isinstance(value, AtLeast):
        return {"at_least": value.number, "unknown": value.reason}
    if isinstance(value, (Address, Word)):
        return str(value)
    if dataclasses.is_dataclass(value):
        return {
            field.name.rstrip("_"): _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
