# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of findings is what the catalogue makes of it, and the catalogue is whole."""

import re

import pytest

from docs.findings import PAGE, findings_page
from klp_debug.analysis import catalogue
from klp_debug.analysis.catalogue import KINDS
from klp_debug.result.common import FindingKind
from klp_debug.scan import hazards
from klp_debug.scan.hazards import HAZARDS

ALL = (*KINDS, *HAZARDS)
EACH_KIND = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.id)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="ascii") == findings_page(), "run `make docs`"


@EACH_KIND
def test_each_kind_has_all_its_text_on_the_page(kind: FindingKind) -> None:
    sections = re.split(r"^## ", PAGE.read_text(encoding="ascii"), flags=re.MULTILINE)
    (section,) = [text for text in sections if text.startswith(f"{kind.id}\n")]
    for text in (kind.severity, kind.meaning, kind.shows, kind.action):
        assert text in section


def test_every_kind_is_in_the_catalogue_once() -> None:
    for module, listed in ((catalogue, KINDS), (hazards, HAZARDS)):
        defined = [kind for kind in vars(module).values() if isinstance(kind, FindingKind)]
        assert sorted(kind.id for kind in defined) == sorted(kind.id for kind in listed)
    assert len({kind.id for kind in ALL}) == len(ALL)


@EACH_KIND
def test_texts_are_sentences_that_markdown_leaves_alone(kind: FindingKind) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", kind.id)
    for text in (kind.meaning, kind.shows, kind.action):
        assert text.isascii()
        assert text.endswith(".")
        assert "  " not in text
        assert not re.search(r"[*<\[]|(?<!\w)_\w+_(?!\w)", text)
