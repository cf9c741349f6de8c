# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of verdicts shows a confusion where there is one."""

from docs.verdicts import Told, verdicts_page

STUB, NOTHING = Told("caused", "toc-stub-on-leaf"), Told("not involved", None)
RIGHT = {"seed": STUB, "elsewhere": NOTHING}
DESCRIBED = {"seed": "A stub.", "elsewhere": "A pointer."}


def rows(*told: tuple[str, Told]) -> list[str]:
    return verdicts_page(RIGHT, DESCRIBED, told).splitlines()[-2:]


def test_all_right() -> None:
    page = verdicts_page(RIGHT, DESCRIBED, [("seed", STUB), ("seed", STUB), ("elsewhere", NOTHING)])
    assert page.splitlines()[-2:] == [
        "| elsewhere | A pointer. |  | **1** |",
        "| seed | A stub. | **2** |  |",
    ]
    assert "| A | caused: toc-stub-on-leaf |\n| B | not involved |\n" in page


def test_one_wrong() -> None:
    assert rows(("seed", NOTHING), ("seed", STUB), ("elsewhere", STUB)) == [
        "| elsewhere | A pointer. | 1 | **0** |",
        "| seed | A stub. | **1** | 1 |",
    ]


def test_a_verdict_that_is_right_nowhere() -> None:
    page = verdicts_page(RIGHT, DESCRIBED, [("seed", Told("involved", "x"))])
    assert "| B | involved: x |" in page
    assert page.endswith("| seed | A stub. | **0** | 1 |  |\n")
