# SPDX-License-Identifier: GPL-2.0-or-later
"""The catalogue of findings: each kind once, told in whole sentences."""

import re

import pytest

from klp_debug.analysis import catalogue
from klp_debug.analysis.catalogue import KINDS
from klp_debug.result.common import FindingKind


def test_every_kind_is_in_the_list_once() -> None:
    kinds = [value for value in vars(catalogue).values() if isinstance(value, FindingKind)]
    assert list(KINDS) == kinds
    assert len({kind.id for kind in KINDS}) == len(KINDS) > 20


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_texts(kind: FindingKind) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", kind.id)
    for text in (kind.meaning, kind.shows, kind.action):
        assert text.endswith((".", ")"))
        assert "  " not in text
        assert "\n" not in text


def test_a_finding_has_what_its_kind_says() -> None:
    kind = KINDS[0]
    finding = kind.on("f+0x4", "0x1000 holds 0x60000000")
    assert (finding.id, finding.severity) == (kind.id, kind.severity)
    assert (finding.subject, finding.evidence) == ("f+0x4", "0x1000 holds 0x60000000")
    assert (finding.meaning, finding.action) == (kind.meaning, kind.action)
