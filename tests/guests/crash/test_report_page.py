# SPDX-License-Identifier: GPL-2.0-or-later
"""What the page of a report shows, against the guest's own word and what the compiler made."""

from collections import Counter

import pytest

from klp_debug.analysis.crash.report_page import report_page
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch import for_each_klp_func, for_each_klp_object, for_each_klp_patch
from klp_debug.result.page import ReportPage
from klp_debug.result.unknown import Unknown, known
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.conftest import Captured
from tests.support.compiled_sites import CompiledSites, compiled_sites
from tests.support.damaged import DamagedCapture
from tests.support.every_kernel import on_every_kernel
from tests.support.sure import number, sure, whole
from vmcores.oracle.oracle import EnabledFunction
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab


def page_of(captures: CaptureSet) -> ReportPage:
    kind = captures.scenario.captures[0]
    options = TargetOptions(core=captures.path(kind), symbols=(captures.image.vmlinux,))
    return report_page(KernelView(open_target(options)))


def compiled(captures: CaptureSet, module: str | None) -> CompiledSites:
    image = captures.image
    return compiled_sites(image.vmlinux if module is None else image.modules / f"{module}.ko")


@on_every_kernel("patched", "stalled", "replaced")
def test_functions(captures: CaptureSet) -> None:
    """Each function of an enabled patch is drawn, and its chain leads to a replacement."""
    page = page_of(captures)
    assert page.problems == ()
    functions = whole(page.functions)
    drawn = {(function.module or "vmlinux", function.name) for function in functions}
    assert drawn == {
        function
        for patch in captures.oracle.patches
        if patch.enabled
        for function in patch.functions()
    }
    for function in functions:
        hops = whole(function.chain)
        assert all(hop.ok is True for hop in hops)
        assert hops[0].kind == "site"
        assert hops[-1].kind in ("replacement", "winner")
    addresses = [function.address for function in functions]
    assert addresses == sorted(addresses)


@on_every_kernel("patched", "seed_shape")
def test_offsets(captures: CaptureSet) -> None:
    page = page_of(captures)
    offsets, sites = whole(page.offsets), number(page.report.audit.sites)
    assert sum(number(one.sites) for one in offsets) == sites

    def place(function: EnabledFunction) -> int | None:
        return compiled(captures, function.module).offset(function.name)

    armed: Counter[int | None] = Counter()
    for one in offsets:
        armed[one.offset] += number(one.armed)
    assert +armed == Counter(map(place, captures.oracle.enabled_functions))
    # Those of vmlinux that are compiled in, and more of modules; init text is gone by now.
    oracle, of_vmlinux = captures.oracle, compiled(captures, None)
    init = range(oracle.address("_sinittext"), oracle.address("_einittext"))
    made = {
        address: of_vmlinux.offset(name, position)
        for name, places in of_vmlinux.functions.items()
        for position, (address, _) in enumerate(places, 1)
        if address not in init
    }
    expected: Counter[int | None] = Counter(made.values())
    del expected[None]
    found = Counter({one.offset: 0 for one in offsets})
    for one in offsets:
        found[one.offset] += number(one.sites)
    in_modules = sites - expected.total() - found[None]
    assert 0 < in_modules < 100
    assert expected <= found
    assert (found - expected).total() - found[None] == in_modules


@on_every_kernel("stalled")
def test_transition(captures: CaptureSet) -> None:
    """The page tells of it what the report tells in numbers."""
    page = page_of(captures)
    assert page.transition is not None
    assert len(page.transition.waiting) == page.report.waiting == 1
    (waits,) = (task for task in captures.oracle.transition_tasks if task.patch_state == 0)
    assert sure(page.transition.waiting[0]).trace.pid == waits.pid


@pytest.mark.full  # a kernel of its own
@pytest.mark.parametrize("captures", [("nolivepatch", "radix", "6.1-nolivepatch")], indirect=True)
def test_without_livepatch(captures: CaptureSet) -> None:
    page = page_of(captures)
    assert (page.functions, page.transition) == ((), None)
    assert page.offsets == ()
    assert page.report.crash is not None


def test_a_function_that_no_symbol_is_at(captured: Captured) -> None:
    """It is told what cannot be drawn; the rest is."""
    captures = captured("patched")
    damaged = DamagedCapture(captures.path("kdump"), captures.image.vmlinux)
    patch = next(for_each_klp_patch(damaged.prog))
    func = next(for_each_klp_func(next(for_each_klp_object(patch))))
    old_func = func.old_func.value_()
    damaged.put(func.old_func.address_of_().value_(), old_func + 4)
    page = report_page(KernelView(damaged.target))
    assert f"function at {old_func + 4:#x}" in [problem.where for problem in page.problems]
    assert [function.name for function in known(page.functions)] == [
        "cmdline_proc_show",
        "scsi_set_sense_information",
    ]
    (lost,) = (one for one in page.functions if isinstance(one, Unknown))
    assert lost.reason == f"function at {old_func + 4:#x}: patched, but in no symbol"
