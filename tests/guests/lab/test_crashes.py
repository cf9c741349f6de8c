# SPDX-License-Identifier: GPL-2.0-or-later
"""The scenarios that go wrong do so in the way that they are there for."""

import pytest

from tests.conftest import Captured
from tests.support.every_kernel import on_every_kernel
from tests.support.tier import cases
from vmcores.oracle.oops import Oops
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab

INSTRUCTION_FETCH = {0x400, 0x480}
DATA_ACCESS = {0x300, 0x380}


def oops_of(captures: CaptureSet) -> Oops:
    assert captures.oops is not None
    assert captures.oops.comm == "cat"
    return captures.oops


@on_every_kernel("seed_crash")
def test_seed_crash(captures: CaptureSet) -> None:
    oops, oracle = oops_of(captures), captures.oracle
    assert oops.trap in INSTRUCTION_FETCH
    assert (oops.nip, oops.ctr, oops.gprs[12]) == (0, 0, 0)
    leaf = oracle.address("int_to_scsilun", "scsi_common")
    if captures.kernel == "7.2":
        # The call stands in the out-of-line stub of its site: in scsi_common, but in no function.
        (module,) = (m for m in oracle.modules if m.name == "scsi_common")
        assert module.address < oops.lr < module.address + module.size
    else:
        assert oops.lr == leaf + 8
    # By the stub's own words r11 is the stub, in the page of the function; but not with this r2.
    assert oops.gprs[11] >> 16 != leaf >> 16


@on_every_kernel("toc_stub_survives")
def test_toc_stub_survives(captures: CaptureSet) -> None:
    log = captures.console_log.read_text(errors="replace")
    assert "sysrq: Trigger a crash" in log
    assert captures.oops is None


@on_every_kernel("crash_in_replacement")
def test_crash_in_replacement(captures: CaptureSet) -> None:
    oops = oops_of(captures)
    assert oops.trap in DATA_ACCESS
    assert oops.dar == 0x10
    replacement = captures.oracle.address("crashing_leaf_probe_wait_here", "crash_patch")
    assert 0 < oops.nip - replacement < 0x40
    assert oops.lr_symbol.startswith("livepatch_handler+")


@on_every_kernel("crash_elsewhere")
def test_crash_elsewhere(captures: CaptureSet) -> None:
    oops = oops_of(captures)
    assert oops.trap in DATA_ACCESS
    assert oops.dar == 0
    assert oops.nip_symbol.startswith("crash_probe_write+")
    assert oops.lr_symbol.startswith("crash_probe_show+")


@pytest.mark.parametrize("name", ["sleep_in_replacement", "damaged_livepatch_stack"])
def test_sleeper(captured: Captured, name: str) -> None:
    for kernel, mmu in cases(name):
        oracle = captured(name, mmu, kernel).oracle
        (sleeper,) = (t for t in oracle.tasks if "livepatch_handler" in t.stack)
        assert sleeper.state == "D"
        assert sleeper.stack.count("livepatch_handler") == 2
        # Even the kernel misses the two callers, whose return addresses are put by.
        missed = {"sleeping_leaf_probe_wait_here", "leaf_probe_wait_show"}
        assert not missed & {frame.split()[0] for frame in sleeper.stack}


@on_every_kernel("ftrace_bug")
def test_ftrace_bug(captures: CaptureSet) -> None:
    log = captures.console_log.read_text(errors="replace")
    assert "ftrace failed to modify" in log
    assert "sysrq: Trigger a crash" in log


@on_every_kernel("hang")
def test_hang(captures: CaptureSet) -> None:
    (spinner,) = (t for t in captures.oracle.tasks if t.comm == "cat")
    assert spinner.state == "R"


@on_every_kernel("disabled")
def test_disabled(captures: CaptureSet) -> None:
    assert "toc_patch" in {module.name for module in captures.oracle.modules}
    assert "livepatch: 'toc_patch': unpatching complete" in captures.oracle.log
