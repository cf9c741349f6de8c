# SPDX-License-Identifier: GPL-2.0-or-later
"""How far a transition is, as a square for each task."""

from dataclasses import dataclass
from math import ceil

from klp_debug.result.transition import TransitionReport
from klp_debug.result.unknown import known, lowest

_MOST = 600
"""Squares; of more tasks than that, one stands for several."""
_COLUMNS = 50
_STEP = 14
"""From one square to the next, in pixels where there is room."""


@dataclass(frozen=True, slots=True)
class Square:
    """One square, at its place in pixels."""

    x: int
    y: int
    waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSquares:
    """The whole picture."""

    squares: tuple[Square, ...]
    tasks_each: int
    """How many tasks a square stands for; the last of a kind may stand for fewer."""
    width: int
    height: int


def task_squares(transition: TransitionReport) -> TaskSquares:
    """
    Return the squares row by row, those of waiting tasks first; however few, they are seen.

    A task of which it is not known whether it waits has none.
    """
    waiting, switched = len(known(transition.waiting)), lowest(transition.switched)
    each = max(1, ceil((waiting + switched) / _MOST))
    number_waiting = ceil(waiting / each)
    number = number_waiting + ceil(switched / each)
    return TaskSquares(
        squares=tuple(
            Square(
                index % _COLUMNS * _STEP,
                index // _COLUMNS * _STEP,
                waiting=index < number_waiting,
            )
            for index in range(number)
        ),
        tasks_each=each,
        width=min(number, _COLUMNS) * _STEP,
        height=ceil(number / _COLUMNS) * _STEP,
    )
