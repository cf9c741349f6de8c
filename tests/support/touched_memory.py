# SPDX-License-Identifier: GPL-2.0-or-later
"""The bytes of a guest that a change of ten_patch could touch."""

from collections.abc import Iterator

from drgn import Program, sizeof
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.module import find_module, module_address_regions

from klp_debug.analysis.view.find_function import find_function
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import FtraceRecord
from tests.support.live_guests import TEN
from tests.support.stopped_guest import opened, stopped
from vmcores.guest.guest import Guest


def memory_of(guest: Guest) -> bytes:
    """
    Return the text and data of both modules, every klp_ops, and the functions' ftrace records.

    In the text are sites and stubs, in the data the klp_funcs. Without struct module, which is in
    the data, too: the kernel's own accounting changes it.
    """
    prog = opened(guest).prog
    with stopped(guest) as (target, _):
        ranges = [*_modules(prog), *_klp_ops(prog), *_records(KernelView(target))]
        return b"".join(prog.read(start, size) for start, size in ranges)


def _records(view: KernelView) -> Iterator[tuple[int, int]]:
    size = sizeof(view.prog.type("struct dyn_ftrace"))
    for name in TEN:
        record = view.record_of(find_function(view.symbols, name.split()[0]))
        assert isinstance(record, FtraceRecord)
        yield record.address, size


def _modules(prog: Program) -> Iterator[tuple[int, int]]:
    for name in ("ten_functions", "ten_patch"):
        module = find_module(prog, name)
        start, end = module.value_(), module.value_() + sizeof(module[0])
        for region, size in module_address_regions(module):
            if region <= start < region + size:
                yield region, start - region
                yield end, region + size - end
            else:
                yield region, size


def _klp_ops(prog: Program) -> Iterator[tuple[int, int]]:
    head = prog["klp_ops"].address_of_()
    for ops in list_for_each_entry("struct klp_ops", head, "node"):
        yield ops.value_(), sizeof(ops[0])
