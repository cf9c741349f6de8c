# SPDX-License-Identifier: GPL-2.0-or-later
"""Registers of a crash may hold anything: every answer about it is one, in every form."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klp_debug.analysis.crash.report import report
from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.render.as_json import as_json
from klp_debug.render.as_text import as_text
from tests.support.fake_scene import crashed, patched
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import BUILDS, Build
from tests.support.strategies import MASK64, u64

EXAMPLES = 30
NUMBERS = ("r0", "r2", "r11", "r12", "r15")


def addresses(kernel: FakeKernel) -> st.SearchStrategy[int]:
    """Return addresses that are near something, or near either end of all; or any at all."""
    near = [0, 8, MASK64, 1 << 63, kernel.idle[1].end]
    for function in kernel.functions.values():
        near += [function.address, function.address + 0x24]
    close = st.builds(
        lambda place, by: (place + by) & MASK64, st.sampled_from(near), st.integers(-16, 16)
    )
    return st.one_of(close, u64)


@pytest.mark.parametrize("build", BUILDS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_a_report_of_any_registers(build: Build, data: st.DataObject) -> None:
    kernel = patched(build)
    value = addresses(kernel)
    returns = data.draw(st.lists(value, max_size=4), label="return addresses")
    nip, link = data.draw(value, label="nip"), data.draw(value, label="link")
    gprs = {name: data.draw(value, label=name) for name in NUMBERS}
    if data.draw(st.booleans(), label="r1 is anything, too"):
        gprs["r1"] = data.draw(value, label="r1")
    task = crashed(kernel, *returns, nip=nip, link=link, **gprs)
    if data.draw(st.booleans(), label="in a replacement"):
        task.calls_replacement(toc=data.draw(value), lr=data.draw(value))
    view = kernel.view()
    answer = report(view)
    assert as_text(answer)
    crash = json.loads(as_json(answer))["crash"]
    assert int(crash["registers"]["nip"], 16) == nip
    assert int(crash["registers"]["link"], 16) == link
    trace = TaskTracer(view).trace(task.struct.object)
    assert trace.frames
