# SPDX-License-Identifier: GPL-2.0-or-later
"""The dumps of scenario 'patched' that the tier takes: kernels, MMUs and kinds of capture."""

import pytest

from tests.support.tier import by_tier, cases
from vmcores.scenarios.scenario import load_scenario


def patched_dumps(*kinds: str) -> list[tuple[str, str, str]]:
    """Return (kernel, MMU, kind) of the dumps of some kinds; without any, of all."""
    wanted = kinds or load_scenario("patched").captures
    dumps = by_tier(
        covering=[
            # Each way to translate addresses: kind and MMU, and the page size where the memory of a
            # dump is physical.
            *(
                ("6.1", mmu, kind)
                for mmu in ("radix", "hash")
                for kind in load_scenario("patched").captures
            ),
            ("6.1-4k", "radix", "qemu-kdump"),
            ("6.1-4k", "hash", "qemu-elf"),
            # Each kernel with each MMU, in what its crash kernel wrote.
            *((kernel, mmu, "kdump") for kernel, mmu in cases("patched") if kernel != "6.1"),
        ],
        full=[
            (kernel, mmu, kind)
            for kernel, mmu in cases("patched")
            for kind in load_scenario("patched").captures
        ],
    )
    return [dump for dump in dumps if dump[2] in wanted]


def on_patched_dumps(*kinds: str) -> pytest.MarkDecorator:
    """Give a test ``kernel``, ``mmu`` and ``kind`` of each dump of some kinds; without any, all."""
    params = [pytest.param(*dump, id="-".join(dump)) for dump in patched_dumps(*kinds)]
    return pytest.mark.parametrize(("kernel", "mmu", "kind"), params)
