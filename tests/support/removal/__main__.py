# SPDX-License-Identifier: GPL-2.0-or-later
"""
The removal test by hand: prints what a command states falsely, grouped.

::

    python -m tests.support.removal patched 6.1 radix list
    python -m tests.support.removal patched 6.1 radix func int_to_scsilun --out false.json
    python -m tests.support.removal --sample 20 seed_crash 7.2 radix report --html x
    python -m tests.support.removal --structures stalled 6.1 radix transition
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.support.removal.capture import RemovalCapture
from tests.support.removal.grouped import group_lines
from tests.support.removal.places import Places
from tests.support.removal.removals import pages, pairs, sampled, structures
from tests.support.removal.trial import Trial, trials
from vmcores.scenarios.capture import captures
from vmcores.scenarios.scenario import load_scenario


def main() -> int:
    """Try one command line; return 1 if anything that it states is false."""
    args, words = _parser().parse_known_args()
    line = shlex.join([args.command, *words])
    taken = captures(load_scenario(args.scenario), args.kernel, args.mmu)
    core = taken.path(args.kind or taken.scenario.captures[0])
    capture = RemovalCapture(core, taken.image.vmlinux)
    before, touched = capture.whole(line)
    page_size = capture.target.page_size
    if args.structures:
        removals = structures(capture.structures, touched, page_size)
    elif args.pairs is not None:
        removals = pairs(touched, page_size, args.pairs, args.seed)
    else:
        removals = pages(touched, page_size, Places(capture).describe)
    if args.at is not None:
        removals = [one for one in removals if any(args.at in part for part in one.ranges)]
    if args.sample is not None:
        removals = sampled(removals, args.sample, args.seed)
    tried = []
    began = time.monotonic()
    for trial in trials(capture, line, before, removals):
        tried.append(trial)
        _progress(tried, len(removals), time.monotonic() - began)
    return _told(line, tried, args.examples, args.out)


def _told(line: str, tried: Sequence[Trial], examples: int, out: Path | None) -> int:
    false = [trial for trial in tried if trial.false]
    print("\n".join(group_lines(false, examples)))
    missed = sum(bool(trial.faulted) for trial in tried)
    print(f"{line}: {len(tried)} removals, {missed} missed, {len(false)} with false statements")
    if out is not None:
        out.write_text(json.dumps([asdict(trial) for trial in false], indent=2, default=str))
    return 1 if false else 0


def _progress(tried: Sequence[Trial], number: int, seconds: float) -> None:
    false = sum(bool(trial.false) for trial in tried)
    end = "\n" if len(tried) == number else "\r"
    print(f"{len(tried)}/{number}, {false} false, {seconds:.0f} s", end=end, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.removal", description="What does a command state falsely?"
    )
    parser.add_argument("scenario")
    parser.add_argument("kernel")
    parser.add_argument("mmu", choices=("radix", "hash"))
    parser.add_argument("command", help="a command of klp-debug's; its own arguments follow")
    parser.add_argument("--kind", help="of capture; the scenario's first without it")
    parser.add_argument("--structures", action="store_true", help="remove structures, not pages")
    parser.add_argument("--pairs", type=int, metavar="N", help="remove N pairs of pages")
    parser.add_argument("--sample", type=int, metavar="N", help="try N removals only")
    parser.add_argument("--seed", type=int, default=1, help="of --sample and --pairs")
    parser.add_argument(
        "--at", type=lambda word: int(word, 0), metavar="PHYSICAL", help="what has this byte only"
    )
    parser.add_argument("--examples", type=int, default=4, help="removals told of each group")
    parser.add_argument("--out", type=Path, help="write all that is false there, as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
