# SPDX-License-Identifier: GPL-2.0-or-later
"""
Makes the JSON schema of each command's document, out of the result types and their docstrings.

To make them anew, run ``python -m docs.schemas``. A test holds the files to the types.
"""

import dataclasses
import functools
import importlib
import json
import pkgutil
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema

import klp_debug.render
import klp_debug.result
from klp_debug.analysis.catalogue import KINDS
from klp_debug.result.address import Address, Word
from klp_debug.result.audit import Audit
from klp_debug.result.bt import TraceList
from klp_debug.result.control import Change, Journal, Status
from klp_debug.result.func import FuncReport
from klp_debug.result.list import PatchList
from klp_debug.result.ops import OpsList
from klp_debug.result.report import Report
from klp_debug.result.scan import Scan
from klp_debug.result.site import SiteReport
from klp_debug.result.transition import TransitionReport
from klp_debug.result.unknown import AtLeast, Unknown
from klp_debug.scan.hazards import HAZARDS

FOLDER = Path(klp_debug.render.__file__).with_name("schema")

ANSWERS: dict[str, type] = {
    "arm": Change,
    "audit": Audit,
    "bt": TraceList,
    "disarm": Change,
    "func": FuncReport,
    "journal": Journal,
    "list": PatchList,
    "ops": OpsList,
    "report": Report,
    "scan": Scan,
    "site": SiteReport,
    "status": Status,
    "transition": TransitionReport,
    "undo": Change,
}
"""Command -> the type of its answer."""

_IDS = {"Finding": [kind.id for kind in KINDS], "Hazard": [kind.id for kind in HAZARDS]}
"""Type -> what its ``id`` can be."""


def schema(command: str) -> str:
    """Return the schema of a command's document, as JSON."""
    _prepare()
    made = TypeAdapter(ANSWERS[command]).json_schema(
        mode="serialization", schema_generator=_Generator
    )
    definitions = made.get("$defs", {})
    for name, ids in _IDS.items():
        if name in definitions:
            definitions[name]["properties"]["id"]["enum"] = ids
    title = {"$schema": _Generator.schema_dialect, "title": f"klp-debug {command} --json"}
    rest = {key: value for key, value in made.items() if key != "title"}
    return _plain(json.dumps({**title, **rest}, indent=2)) + "\n"


def _plain(text: str) -> str:
    """Return docstrings without the markup of reStructuredText: who reads JSON has none."""
    return re.sub(r":\w+:`[~]?(?:[\w.]+\.)?(\w+)`|``([^`]*)``", r"\1\2", text)


class _Generator(GenerateJsonSchema):
    """What is right for documents: no title that only repeats the name of a field or type."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def get_title_from_name(self, name: str) -> str:
        return name.rstrip("_")


@dataclass
class UnknownDocument:
    """What could not be read; in a list: the list is incomplete."""

    unknown: str
    """Why."""


@dataclass
class AtLeastDocument:
    """A number of things of which not all could be seen."""

    at_least: int
    unknown: str
    """Why."""


_DOCUMENTS: dict[type, Any] = {
    Address: Annotated[str, Field(pattern="^0x[0-9a-f]{16}$")],
    Word: Annotated[str, Field(pattern="^0x[0-9a-f]{8}$")],
    Unknown: UnknownDocument,
    AtLeast: AtLeastDocument,
}
"""Type -> how :mod:`klp_debug.render.as_json` writes it."""
_CONFIG = ConfigDict(
    use_attribute_docstrings=True, alias_generator=lambda name: name.rstrip("_"), extra="forbid"
)


@functools.cache
def _prepare() -> None:
    """Tell pydantic how the documents are written."""
    for made_here in (UnknownDocument, AtLeastDocument):
        setattr(made_here, "__pydantic_config__", _CONFIG)  # noqa: B010
    for type_, document in _DOCUMENTS.items():
        setattr(type_, "__get_pydantic_core_schema__", _as(document))  # noqa: B010
    for module in pkgutil.iter_modules(klp_debug.result.__path__):
        namespace = vars(importlib.import_module(f"klp_debug.result.{module.name}"))
        for type_ in namespace.values():
            if dataclasses.is_dataclass(type_) and type_ not in _DOCUMENTS:
                setattr(type_, "__pydantic_config__", _CONFIG)  # noqa: B010


def _as(document: Any) -> Any:
    def schema(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(document)

    return staticmethod(schema)


if __name__ == "__main__":
    for name in ANSWERS:
        (FOLDER / f"{name}.schema.json").write_text(schema(name), encoding="ascii")
