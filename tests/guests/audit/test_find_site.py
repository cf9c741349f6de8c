# SPDX-License-Identifier: GPL-2.0-or-later
"""Which site a name or an address means, on real captures of every kernel of the lab."""

from collections import defaultdict
from dataclasses import dataclass

import pytest

from klp_debug.analysis.view.find_function import FunctionNotFoundError
from klp_debug.analysis.view.find_site import find_site
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import FtraceRecord
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.conftest import Captured
from tests.support.compiled_sites import compiled_sites
from vmcores.scenarios.capture import CaptureSet
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

KERNELS = load_scenario("patched").kernels
OUT_OF_LINE = [kernel for kernel in KERNELS if kernel.startswith("7.2")]


@dataclass(frozen=True)
class Opened:
    """A capture; nothing here changes its memory, so that all tests of a kernel share it."""

    captures: CaptureSet
    view: KernelView

    def found(self, spec: str) -> FtraceRecord:
        return self.view.records[find_site(self.view, spec)]


@pytest.fixture(scope="module", params=KERNELS)
def opened(request: pytest.FixtureRequest, captured: Captured) -> Opened:
    captures = captured("patched", kernel=request.param)
    options = TargetOptions(core=captures.path("kdump"), symbols=(captures.image.vmlinux,))
    return Opened(captures, KernelView(open_target(options)))


def expected(opened: Opened, name: str, module: str | None, position: int = 1) -> int:
    """Return where a site is by kallsyms and the file that the function was compiled to."""
    image = opened.captures.image
    path = image.vmlinux if module is None else image.modules / f"{module}.ko"
    offset = compiled_sites(path).offset(name, position)
    assert offset is not None
    symbols = opened.captures.oracle.kallsyms
    twins = sorted(s.address for s in symbols if (s.name, s.module) == (name, module))
    return twins[position - 1] + offset


@pytest.mark.parametrize(
    ("name", "module"), [("int_to_scsilun", "scsi_common"), ("meminfo_proc_show", None)]
)
def test_by_name_and_address(opened: Opened, name: str, module: str | None) -> None:
    site = expected(opened, name, module)
    function = opened.captures.oracle.address(name, module)
    assert opened.found(name).ip == site
    assert opened.found(f"{module or 'vmlinux'}:{name}").ip == site
    for address in (site, function):
        assert opened.found(f"{address:#x}").ip == site
        assert opened.found(f"{address:016x}").ip == site


def test_every_ambiguous_function_by_its_position(opened: Opened) -> None:
    """Each static function of vmlinux that shares its name with others, as kallsyms orders them."""
    twins = defaultdict(list)
    for symbol in opened.captures.oracle.kallsyms:
        twins[symbol.name].append(symbol)
    compiled = compiled_sites(opened.captures.image.vmlinux)
    traced = 0
    for name, symbols in twins.items():
        ambiguous = len(symbols) > 1 and {(s.type, s.module) for s in symbols} == {("t", None)}
        if not ambiguous or len(compiled.functions.get(name, ())) != len(symbols):
            continue
        with pytest.raises(FunctionNotFoundError, match="is ambiguous"):
            opened.found(name)
        first_init = opened.captures.oracle.address("_sinittext")
        for position, symbol in enumerate(sorted(symbols, key=lambda one: one.address), 1):
            if compiled.offset(name, position) is not None and symbol.address < first_init:
                found = opened.found(f"{name}@{position}").ip
                assert found == expected(opened, name, None, position), f"{name}@{position}"
                traced += 1
    assert traced > 50


def test_the_same_name_in_several_modules(opened: Opened) -> None:
    with pytest.raises(FunctionNotFoundError, match="is ambiguous"):
        opened.found("init_module")
    for module in ("leaf_patch", "toc_patch"):
        assert opened.found(f"{module}:init_module").ip == expected(opened, "init_module", module)


@pytest.mark.parametrize("opened", OUT_OF_LINE, indirect=True)
@pytest.mark.parametrize("name", ["int_to_scsilun", "cmdline_proc_show", "meminfo_proc_show"])
def test_by_an_address_in_its_out_of_line_stub(opened: Opened, name: str) -> None:
    record = opened.found(name)
    # struct ftrace_ool_stub: its ftrace_op, then four instructions, and not a byte farther.
    for offset in range(-8, 16, 4):
        assert opened.found(f"{record.ool_stub + offset:#x}") == record
    # vmlinux's stubs are an array in the order of the records, and so are a module's.
    neighbour = opened.found(f"{record.ool_stub + 16:#x}")
    assert neighbour.ool_stub == record.ool_stub + 24
    assert neighbour.ip > record.ip
