# SPDX-License-Identifier: GPL-2.0-or-later
"""What is removed of a dump, and what of it in the covering set."""

from tests.support.removal.removable_memory import Touched
from tests.support.removal.removals import Removal, pages, pairs, sampled, structures
from tests.support.removal.structures import Structure

PAGE = 0x1000
TOUCHED = {
    0x2000: Touched({"kernel/walk.py:38": None}, 0x2000, 0x2004),
    0x0: Touched({"kernel/symbols.py:116": None, "kernel/walk.py:38": None}, 0x10, 0x18),
    0x5000: Touched({"kernel/symbols.py:116": None}, 0x5000, 0x6000),
}


def test_each_page_that_was_read() -> None:
    assert [one.ranges for one in pages(TOUCHED, PAGE)] == [
        (range(PAGE),),
        (range(0x2000, 0x3000),),
        (range(0x5000, 0x6000),),
    ]
    told = pages(TOUCHED, PAGE, lambda page, one: f"{one.end - one.first} bytes")
    assert told[0].name == "page 0x0: 8 bytes"


def test_a_seed_chooses_the_same_pairs() -> None:
    assert pairs(TOUCHED, PAGE, 3, seed=1) == pairs(TOUCHED, PAGE, 3, seed=1)
    assert len({one for pair in pairs(TOUCHED, PAGE, 9, seed=1) for one in pair.ranges}) > 2
    assert all(len(set(pair.ranges)) == 2 for pair in pairs(TOUCHED, PAGE, 9, seed=1))
    assert pairs({0: TOUCHED[0]}, PAGE, 3, seed=1) == []


def test_structures_on_pages_that_were_read() -> None:
    read = Structure("klp_func", 0xC000000000002010, (range(0x2010, 0x2090),))
    over_two = Structure(
        "module", 0xC008000000001FF0, (range(0x1FF0, 0x2000), range(0x5000, 0x5400))
    )
    other = Structure("klp_ops", 0xC000000000003000, (range(0x3000, 0x3080),))
    found = structures([read, over_two, other], TOUCHED, PAGE)
    assert [one.ranges for one in found] == [read.physical, over_two.physical]
    assert found[0].name == "klp_func 0xc000000000002010"


def test_a_sample_has_each_kind_before_it_has_one_twice() -> None:
    removals = [Removal(f"text {number}", (range(number),), "text") for number in range(50)]
    removals += [Removal(kind, (range(1),), kind) for kind in ("list", "ops")]
    for seed in range(9):
        kinds = [one.kind for one in sampled(removals, 4, seed)]
        assert set(kinds[:3]) == {"text", "list", "ops"}
        assert kinds[3] == "text"
    assert sampled(removals, 4, "seed") == sampled(removals, 4, "seed")
    assert sorted(map(str, sampled(removals, 99, 1))) == sorted(map(str, removals))
