# SPDX-License-Identifier: GPL-2.0-or-later
"""Says what lies on a page of the dump, for whoever looks for the reason of a false statement."""

from collections import Counter

from drgn.helpers.linux.module import module_address_regions

from klp_debug.kernel.module import for_each_module, module_name
from klp_debug.targets.translation import PAGE_OFFSET
from tests.support.removal.capture import RemovalCapture
from tests.support.removal.removable_memory import Touched
from tests.support.removal.structures import Translator


class Places:
    """What the pages of a whole dump hold."""

    def __init__(self, capture: RemovalCapture) -> None:
        """Look at a dump that has all of its pages."""
        self._prog = prog = capture.prog
        self._page_size = page_size = capture.target.page_size
        self._structures = capture.structures
        translator = Translator(prog, page_size)
        self._modules = [
            (part, module_name(module))
            for module in for_each_module(prog)
            for start, size in module_address_regions(module)
            for part in translator.physical(start, size)
        ]

    def describe(self, page: int, touched: Touched) -> str:
        """Say what is on a page of which some bytes were read, and who read them first."""
        here = range(page, page + self._page_size)
        kinds = Counter(
            structure.kind
            for structure in self._structures
            if any(_overlap(part, here) for part in structure.physical)
        )
        told = [
            self._symbols(touched),
            *dict.fromkeys(f"[{name}]" for part, name in self._modules if _overlap(part, here)),
            *(f"{number} {kind}" for kind, number in kinds.items()),
        ]
        what = ", ".join(one for one in told if one) or "no symbol, none of the structures"
        return f"{what}; read by {next(iter(touched.readers))}"

    def _symbols(self, touched: Touched) -> str:
        """Name vmlinux's symbols at the first and the last byte that were read."""
        names: dict[str, None] = {}
        for physical in (touched.first, touched.end - 1):
            try:
                names[self._prog.symbol(PAGE_OFFSET + physical).name] = None
            except LookupError:
                continue
        return " .. ".join(names)


def _overlap(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop
