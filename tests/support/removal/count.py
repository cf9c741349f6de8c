# SPDX-License-Identifier: GPL-2.0-or-later
"""
How much the removal test tries, for docs/tests.md: ``python -m tests.support.removal.count``.

Only the dumps tell how many pages an answer reads, so it asks them: a minute, and some more with
``--full``. It takes the captures that the cache lacks, as the test would.
"""

import argparse
from collections import Counter
from typing import get_args

from tests.support.removal.cases import What, removal_cases, removals_of
from tests.support.removal.kept import capture_of
from tests.support.tier import run_the_full_product
from vmcores.scenarios.capture import captures
from vmcores.scenarios.scenario import load_scenario


def counted() -> Counter[str]:
    """Return how many command lines the tier tries, on how many dumps, and how many removals."""
    cases = removal_cases()
    found = Counter({"command lines on dumps": len(cases)})
    found["dumps"] = len({(case.scenario, case.kernel, case.mmu) for case in cases})
    for case in cases:
        taken = captures(load_scenario(case.scenario), case.kernel, case.mmu)
        for what in get_args(What):
            found[f"removals of {what}"] += len(removals_of(capture_of(taken), case, what))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.support.removal.count")
    parser.add_argument("--full", action="store_true", help="of the full product")
    if parser.parse_args().full:
        run_the_full_product()
    for what, number in counted().items():
        print(f"{number:7,} {what}")
