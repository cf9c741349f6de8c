# SPDX-License-Identifier: GPL-2.0-or-later
"""A replacement that was entered behind its TOC set-up, and ran with its caller's TOC."""

from klp_debug.analysis.crash.wrong_toc import judge
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.sure import sure, unread


def patched() -> FakeKernel:
    """Return a kernel with a patch whose klp_func names the local entry point."""
    kernel = FakeKernel()
    patch = kernel.patch("first", kernel.function("f", "scsi_common"))
    patch.funcs["f"]["new_func"] = patch.replacements["f"].local_entry
    return kernel


def judged(kernel: FakeKernel, r2: int, function: str = "first_f") -> Verdict | Unknown | None:
    crashed(kernel, nip=kernel.functions[function].address + 0x20, r2=r2)
    return judge(scene_of(kernel))


def test_with_the_toc_of_the_original() -> None:
    kernel = patched()
    theirs, own = kernel.module("scsi_common").toc, kernel.module("first").toc
    verdict = sure(judged(kernel, theirs))
    assert (verdict.blame, verdict.id) == ("caused", "replacement-wrong-toc")
    assert verdict.what[1] == (
        "first_f [first], which replaces f [scsi_common], ran with a wrong TOC: the TOC of"
        " scsi_common."
    )
    assert f"needs {own:#x}" in verdict.proof[0]
    assert any("klp_func at" in line for line in verdict.proof)


def test_with_its_own() -> None:
    kernel = patched()
    assert judged(kernel, kernel.module("first").toc) is None


def test_entered_where_it_must_be() -> None:
    kernel = FakeKernel()
    kernel.patch("first", kernel.function("f", "scsi_common"))
    assert judged(kernel, kernel.module("scsi_common").toc) is None


def test_another_function_crashed() -> None:
    kernel = patched()
    assert judged(kernel, kernel.kernel_toc, "f") is None


def test_a_toc_that_is_not_known() -> None:
    kernel = patched()
    kernel.module("first").sections.lose()
    why = unread(judged(kernel, kernel.module("scsi_common").toc))
    at = kernel.module("first").struct.address
    assert why.reason.startswith(f"TOC of module at {at:#x}: not in the dump")


def test_where_replacements_are_entered_cannot_be_read() -> None:
    kernel = patched()
    kernel.memory.lose(kernel.klp_ops)
    unread(judged(kernel, kernel.module("scsi_common").toc))


def test_registers_that_nobody_saved() -> None:
    kernel = patched()
    kernel.crash(0)
    unread(judge(scene_of(kernel)))
