# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether ``ftrace_caller`` gives a replacement its caller's r15 back."""

import pytest

from klp_debug.analysis.audit.trampolines import trampoline_findings
from tests.support.fake_view import FakeKernel
from tests.support.findings import not_checked, only, told
from tests.support.instructions import NOP
from tests.support.kernel_structs import BUILDS, MPROFILE, OUT_OF_LINE, Build
from tests.support.trampoline_words import BROKEN


@pytest.mark.parametrize("build", BUILDS)
def test_as_mended(build: Build) -> None:
    view = FakeKernel(build).view()
    assert list(trampoline_findings(view)) == []
    assert view.problems.all() == ()


def broken(build: Build) -> FakeKernel:
    kernel = FakeKernel(build)
    kernel.put_words(kernel.address("ftrace_caller"), *BROKEN, *[NOP] * 8)
    return kernel


def test_as_released_in_6_13() -> None:
    kernel = broken(OUT_OF_LINE)
    finding = only(trampoline_findings(kernel.view()))
    assert (finding.id, finding.subject) == ("livepatch-clobbers-r15", "ftrace_caller")
    assert f"at {kernel.address('ftrace_caller'):#x}: " in finding.evidence


@pytest.mark.parametrize("build", [MPROFILE, Build(out_of_line=True, livepatch=False)])
def test_where_nothing_rests_on_it(build: Build) -> None:
    """Without out-of-line stubs r15 is not used so; without livepatch NIP is never changed."""
    assert list(trampoline_findings(broken(build).view())) == []


def test_text_that_cannot_be_read() -> None:
    kernel = broken(OUT_OF_LINE)
    kernel.memory.lose(kernel.address("ftrace_caller"))
    view = kernel.view()
    findings = list(trampoline_findings(view))
    assert told(findings) == []
    (problem,) = view.problems.all()
    assert problem.where == "text of ftrace_caller"
    assert not_checked(findings) == [f"{problem.where}: {problem.what}"]
