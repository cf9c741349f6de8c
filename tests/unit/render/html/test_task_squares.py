# SPDX-License-Identifier: GPL-2.0-or-later
"""How far a transition is, drawn: a square for each task, and why each of those that wait does."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from klp_debug.render.html.task_squares import task_squares
from tests.support.answers.page import PAGE
from tests.support.answers.transition import STALLED, WAITING
from tests.support.parsed import find, parse, text


def test_a_square_for_each_task() -> None:
    (section,) = find(parse(PAGE), "section", id="transition")
    (figure,) = find(section, "figure", class_="tasks")
    picture = next(find(figure, "svg"))
    assert text(picture) == "40 tasks have switched, 1 wait"
    shapes = [path.attrib["class"] for path in find(picture, "path")]
    assert shapes == ["waiting"] + ["switched"] * 40
    assert text(next(find(figure, "figcaption"))) == "waiting: 1 switched: 40"


def test_why_each_waits() -> None:
    (section,) = find(parse(PAGE), "section", id="transition")
    (task,) = find(section, "article")
    told = text(task)
    assert told.startswith("cat (52) disk sleep, last on CPU 1, in a patched function")
    assert f"Held by {WAITING.hold}: {WAITING.why}" in told
    assert f"Unblocks {WAITING.unblocks}" in told
    assert "schedule+0x78" in text(next(find(task, "details")))


def test_many_tasks() -> None:
    page = dataclasses.replace(PAGE, transition=dataclasses.replace(STALLED, switched=5999))
    (figure,) = find(parse(page), "figure", class_="tasks")
    assert text(figure).endswith("waiting: 1 switched: 5999 ; a square is 10 tasks")


@given(st.integers(0, 100_000), st.integers(0, 50))
def test_few_squares_and_none_that_waits_is_lost(switched: int, waiting: int) -> None:
    transition = dataclasses.replace(STALLED, switched=switched, waiting=(WAITING,) * waiting)
    picture = task_squares(transition)
    of_waiting = sum(square.waiting for square in picture.squares)
    assert len(picture.squares) <= 601
    assert bool(of_waiting) == bool(waiting)
    assert of_waiting * picture.tasks_each >= waiting
    assert (len(picture.squares) - of_waiting) * picture.tasks_each >= switched
    places = {(square.x, square.y) for square in picture.squares}
    assert len(places) == len(picture.squares)
    for x, y in places:
        assert 0 <= x < picture.width
        assert 0 <= y < picture.height
