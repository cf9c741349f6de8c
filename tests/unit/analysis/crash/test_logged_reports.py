# SPDX-License-Identifier: GPL-2.0-or-later
"""Oopses and warnings that the kernel survived, by lines as kernels print them."""

import pytest

from klp_debug.analysis.crash.logged_reports import logged_findings
from klp_debug.kernel.log import LogRecord
from klp_debug.result.common import Finding
from klp_debug.result.unknown import Unknown, known
from tests.support.fake_view import FakeKernel

OLD = "CPU: 1 PID: 52 Comm: cat Tainted: G           O  K    6.1.176 #1"
NEW = "CPU: 1 UID: 0 PID: 52 Comm: cat Kdump: loaded Tainted: G   O  K     7.2.12 #1 PREEMPTLAZY"
END = "---[ end trace 0000000000000000 ]---"


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.patch("first", made.function("f"))
    return made


def traced(kernel: FakeKernel, name: str, module: str | None = None) -> str:
    at = kernel.functions[name].address + 0x10 if name in kernel.functions else 0x1234
    shown = f"{name}+0x10/0x80" + (f" [{module}]" if module else "")
    return f"[c000000004807bb0] [{at:016x}] {shown} (unreliable)"


def found(
    kernel: FakeKernel, *lines: str, crashed: bool = False, start: float = 1.5
) -> list[Finding]:
    view = kernel.view()
    records = [
        LogRecord(int((start + number / 100) * 1e9), text) for number, text in enumerate(lines)
    ]
    view.__dict__["log"] = type(view.log)(tuple(records), None)
    return list(known(logged_findings(view, crashed=crashed)))


@pytest.mark.parametrize("line", [OLD, NEW])
def test_an_oops_in_a_replacement(kernel: FakeKernel, line: str) -> None:
    trace = traced(kernel, "first_f", "first")
    (finding,) = found(kernel, "BUG: Unable to handle it", line, trace, END)
    assert (finding.id, finding.subject) == ("oops-in-patch", "first_f+0x10 [first]")
    assert finding.evidence == (
        "at 1.500000 s in cat (52), Tainted: G O K: BUG: Unable to handle it; on its trace"
        " first_f+0x10 [first] (of the patch first)"
    )


def test_a_warning_in_an_original_that_is_patched(kernel: FakeKernel) -> None:
    (finding,) = found(kernel, "WARNING: at f.c:1", OLD, traced(kernel, "f"), END)
    assert (finding.id, finding.severity) == ("warning-in-patch", "warning")
    assert finding.evidence.endswith("f+0x10 (original, first)")


def test_what_has_nothing_to_do_with_live_patching(kernel: FakeKernel) -> None:
    kernel.function("g")
    for first in ("BUG: Unable to handle it", "WARNING: at g.c:1"):
        assert found(kernel, first, OLD, traced(kernel, "g"), END) == []
        assert found(kernel, first, OLD, traced(kernel, "klp", "other"), END) == []


def test_livepatchs_own_code(kernel: FakeKernel) -> None:
    for name in ("klp_try_switch_task", "livepatch_handler"):
        (finding,) = found(kernel, "WARNING: at x.c:1", OLD, traced(kernel, name), END)
        assert finding.subject == f"{name}+0x10"


def test_a_patch_that_is_gone_is_known_by_the_log(kernel: FakeKernel) -> None:
    trace = traced(kernel, "gone_f", "gone")
    assert found(kernel, "WARNING: at x.c:1", OLD, trace, END) == []
    (finding,) = found(
        kernel, "livepatch: enabling patch 'gone'", "WARNING: at x.c:1", OLD, trace, END
    )
    assert finding.subject == "gone_f+0x10 [gone]"


def test_the_same_place_is_one_finding(kernel: FakeKernel) -> None:
    report = ("WARNING: at x.c:1", OLD, traced(kernel, "first_f", "first"), END)
    (finding,) = found(kernel, *report, *report, *report)
    assert finding.evidence.endswith("; 2 more of the same, the last at 1.580000 s")


def test_the_oops_of_the_crash_is_the_verdicts(kernel: FakeKernel) -> None:
    report = ("BUG: Unable to handle it", OLD, traced(kernel, "first_f", "first"), END)
    assert found(kernel, *report, crashed=True) == []
    (finding,) = found(kernel, *report, *report, crashed=True)
    assert finding.evidence.startswith("at 1.500000 s ")


def test_an_address_that_belongs_to_another_function_now(kernel: FakeKernel) -> None:
    """The module has gone, and another is there."""
    at = kernel.functions["f"].address + 0x10
    line = f"[c000000004807bb0] [{at:016x}] other+0x10/0x80 [gone]"
    assert found(kernel, "WARNING: at x.c:1", OLD, line, END) == []


def test_a_long_trace_is_cut(kernel: FakeKernel) -> None:
    lines = [traced(kernel, "first_f", "first")] * 7
    (finding,) = found(kernel, "WARNING: at x.c:1", *lines, END)
    assert finding.evidence.endswith(", and 3 more")
    assert finding.evidence.startswith("at 1.500000 s: WARNING")


def test_a_log_that_is_not_whole(kernel: FakeKernel) -> None:
    view = kernel.view()
    lost = Unknown("log of the kernel: page 0x1 is not in the dump")
    view.__dict__["log"] = type(view.log)((), lost)
    assert logged_findings(view, crashed=False) == [lost]
