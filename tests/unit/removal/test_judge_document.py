# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a JSON document is false when something could not be read."""

from typing import Any

import pytest

from tests.support.removal.judge_document import false_in_document, unknown_in_document

UNKNOWN = {"unknown": "page 0x3ee0000 is not in the dump"}
WHOLE: dict[str, Any] = {
    "patches": [
        {"name": "leaf_patch", "enabled": True, "transition": None, "stack_order": 1},
        {"name": "toc_patch", "enabled": True, "transition": None, "stack_order": 2},
        {"name": "wait_patch", "enabled": False, "transition": "patching", "stack_order": 3},
    ],
    "said": ["stack: checked", "ops: checked"],
    "sites": 14267,
    "problems": [],
}
LEAF, TOC, WAIT = WHOLE["patches"]


def places(**changed: Any) -> list[str]:
    """Return where the document is false after some members of the whole one have changed."""
    return [false.place for false in false_in_document(WHOLE, {**WHOLE, **changed})]


def test_the_same_is_true() -> None:
    assert places() == []


def test_problems_are_true_whatever_they_are() -> None:
    assert places(problems=[{"where": "klp_patches", "what": "cannot be read"}]) == []


@pytest.mark.parametrize(
    "patches",
    [
        pytest.param(UNKNOWN, id="all of the list"),
        pytest.param([UNKNOWN], id="each element"),
        pytest.param([LEAF, UNKNOWN], id="those behind the first"),
        pytest.param([UNKNOWN, TOC, WAIT], id="the first"),
        pytest.param([LEAF, UNKNOWN, WAIT], id="one in the middle"),
        pytest.param([LEAF, UNKNOWN, {**WAIT, "transition": UNKNOWN}], id="one, and of another"),
        pytest.param([LEAF, TOC, WAIT, UNKNOWN], id="whether there are more"),
        pytest.param([{**LEAF, "transition": UNKNOWN}, TOC, WAIT], id="a member"),
        pytest.param([{**LEAF, "name": "unknown (its module)"}, TOC, WAIT], id="by a sentence"),
    ],
)
def test_what_is_unknown_is_true(patches: Any) -> None:
    assert places(patches=patches) == []


@pytest.mark.parametrize(
    ("patches", "place"),
    [
        pytest.param([LEAF, TOC], "patches[]", id="one is missing"),
        pytest.param([], "patches[]", id="all are missing"),
        pytest.param(None, "patches", id="null for the list"),
        pytest.param([LEAF, TOC, WAIT, LEAF], "patches[]", id="one more"),
        pytest.param([TOC, LEAF, WAIT], "patches[0].name", id="another order"),
        pytest.param([UNKNOWN, TOC, LEAF], "patches[2].name", id="another order, incomplete"),
        pytest.param([UNKNOWN, LEAF, LEAF], "patches[2].name", id="one twice, incomplete"),
        pytest.param(
            [UNKNOWN, {**TOC, "enabled": False}], "patches[1].enabled", id="changed, incomplete"
        ),
        pytest.param(
            [LEAF, TOC, {**WAIT, "transition": None}], "patches[2].transition", id="null for value"
        ),
        pytest.param(
            [{**LEAF, "transition": "patching"}, TOC, WAIT],
            "patches[0].transition",
            id="value for null",
        ),
        pytest.param([{**LEAF, "name": "leaf"}, TOC, WAIT], "patches[0].name", id="string"),
        pytest.param(
            [{**LEAF, "stack_order": 2}, TOC, WAIT], "patches[0].stack_order", id="number"
        ),
        pytest.param([{**LEAF, "enabled": 1}, TOC, WAIT], "patches[0].enabled", id="type"),
        pytest.param([{**LEAF, "more": UNKNOWN}, TOC, WAIT], "patches[0].more", id="a key more"),
        pytest.param([{"name": "leaf_patch"}, TOC, WAIT], "patches[0].enabled", id="a key less"),
        pytest.param([LEAF, {"unknown": ""}, TOC], "patches[1].unknown", id="without a reason"),
        pytest.param(
            [LEAF, {"unknown": "page 1", "name": "toc_patch"}, WAIT],
            "patches[1].unknown",
            id="unknown beside a fact",
        ),
    ],
)
def test_what_was_not_read_is_false(patches: Any, place: str) -> None:
    assert place in places(patches=patches)


@pytest.mark.parametrize(
    ("sites", "true"),
    [
        ({"at_least": 0, "unknown": "page 1"}, True),
        ({"at_least": 14267, "unknown": "page 1"}, True),
        ({"at_least": 14268, "unknown": "page 1"}, False),
        ({"at_least": -1, "unknown": "page 1"}, False),
        ({"at_least": 3, "unknown": ""}, False),
        ({"at_least": 3}, False),
        (0, False),
        (14266, False),
    ],
)
def test_counts(sites: Any, true: bool) -> None:
    assert (places(sites=sites) == []) == true


def test_at_least_is_for_counts_only() -> None:
    assert places(said={"at_least": 1, "unknown": "page 1"}) == ["said"]


@pytest.mark.parametrize(
    ("said", "true"),
    [
        (["stack: checked", "ops: cannot be told"], True),
        (["it is unknown what was checked"], True),
        (["stack: checked", "at least 1 more"], True),
        (["stack: checked", "site-unknown-word"], False),
        (["stack: checked"], False),
        (["stack: checked", "ops: checked", "hashes: checked"], False),
        (["unknown", "hashes: checked"], False),
    ],
)
def test_sentences(said: list[str], true: bool) -> None:
    assert (places(said=said) == []) == true


def test_a_dump_with_less_in_it_tells_no_more() -> None:
    assert false_in_document({"mmu": UNKNOWN}, {"mmu": UNKNOWN}) == []
    assert false_in_document({"mmu": UNKNOWN}, {"mmu": {"unknown": "page 1"}}) == []
    assert [one.place for one in false_in_document({"mmu": UNKNOWN}, {"mmu": "radix"})] == ["mmu"]
    some = {"sites": {"at_least": 2, "unknown": "page 1"}}
    fewer = {"sites": {"at_least": 1, "unknown": "page 1"}}
    assert false_in_document(some, fewer) == []
    assert [one.place for one in false_in_document(fewer, some)] == ["sites"]
    assert [one.place for one in false_in_document(some, {"sites": 2})] == ["sites"]


def test_an_answer_is_an_object() -> None:
    assert false_in_document(WHOLE, UNKNOWN) != []
    assert false_in_document(WHOLE, None) != []


@pytest.mark.parametrize(
    ("document", "unknown"),
    [
        ({"patches": [], "problems": []}, False),
        ({"patches": [], "problems": [{"where": "a", "what": "b"}]}, True),
        ({"patches": [UNKNOWN], "problems": []}, True),
        ({"said": ["the MMU cannot be told"], "problems": []}, True),
    ],
)
def test_whether_it_says_that_something_is_unknown(document: Any, unknown: bool) -> None:
    assert unknown_in_document(document) == unknown
