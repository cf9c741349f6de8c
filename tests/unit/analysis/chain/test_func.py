# SPDX-License-Identifier: GPL-2.0-or-later
"""One function, top to bottom, and in one sentence what a call of it runs."""

import pytest

from klp_debug.analysis.chain.func import report_func
from klp_debug.result.func import FuncReport, Namesake
from tests.support.fake_ftrace import FUNCTION_SIZE
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP
from tests.support.kernel_structs import BUILDS, MPROFILE, Build
from tests.support.sure import sure, unread, whole

every_build = pytest.mark.parametrize("build", BUILDS)


def patched(build: Build = MPROFILE) -> FakeKernel:
    kernel = FakeKernel(build)
    kernel.patch("first", kernel.function("f", "scsi_common"))
    return kernel


def reported(kernel: FakeKernel, name: str = "f") -> FuncReport:
    view = kernel.view()
    (symbol,) = view.symbols.named(name)
    return report_func(view, symbol)


@every_build
def test_a_patched_function(build: Build) -> None:
    kernel = patched(build)
    function, replacement = kernel.functions["f"], kernel.functions["first_f"]
    report = reported(kernel)
    assert report.clean
    assert (report.name, report.module, report.address) == ("f", "scsi_common", function.address)
    assert (report.entry.global_, report.entry.local) == (function.address, function.local_entry)
    assert report.entry.toc == (None if build.pcrel else kernel.module("scsi_common").toc)
    assert (sure(report.site).address, sure(report.site).state) == (function.site, "armed")
    assert sure(report.record).agrees is True
    assert sure(report.winner).patch == "first"
    assert sure(report.replacement_entry).global_ == replacement.address
    assert sure(report.runs).startswith("first_f [first], ")
    assert whole(report.chain)[-1].address == replacement.address


@every_build
def test_its_listing_says_what_is_where(build: Build) -> None:
    kernel = patched(build)
    function = kernel.functions["f"]
    notes = {int(line.address): line.notes for line in whole(reported(kernel).listing)}
    if function.local_entry == function.address:
        assert "global and local entry point" in notes[function.address]
    else:
        assert notes[function.address] == ("global entry point",)
        assert "local entry point" in notes[function.local_entry]
    assert f"mcount site, +{function.site - function.address:#x}, armed" in notes[function.site]
    assert max(notes) > function.site
    first = sure(reported(kernel).replacement[0])
    assert first.address == kernel.functions["first_f"].address


def test_a_leaf() -> None:
    kernel = FakeKernel()
    kernel.function("f", leaf=True)
    assert reported(kernel).leaf_without_toc is True
    assert reported(patched()).leaf_without_toc is False


def test_one_that_nobody_patched() -> None:
    kernel = FakeKernel()
    kernel.function("f")
    report = reported(kernel)
    assert report.runs == "f itself: no live patch replaces it"
    assert report.clean


def test_one_without_a_site() -> None:
    kernel = FakeKernel()
    kernel.function("traced")
    kernel.function("f", traced=False)
    report = reported(kernel)
    assert (report.site, report.record, report.chain) == (None, None, ())
    assert str(report.no_site).startswith("it was compiled without one")


def test_one_that_is_given_back() -> None:
    kernel = patched()
    kernel.patch("empty", nops=(kernel.functions["f"],), replace=True)
    report = reported(kernel)
    assert report.runs == "f itself: its patch sends callers to the original"


@pytest.mark.parametrize(("to", "tasks"), [(1, "not yet switched"), (0, "already switched")])
def test_one_in_transition(to: int, tasks: str) -> None:
    kernel = patched()
    kernel.in_transition(kernel.patches[0], to=to)
    assert sure(reported(kernel).runs).endswith(f"; in transition: tasks {tasks} run f itself")


def test_one_in_a_transition_that_cannot_be_read() -> None:
    kernel = patched()
    kernel.in_transition(kernel.patches[0])
    kernel.memory.lose(kernel.target_state)
    unread(reported(kernel).runs)


def test_one_that_a_debugger_holds() -> None:
    kernel = patched()
    kernel.functions["f"].site_word = NOP
    assert reported(kernel).runs == "f itself: a debugger holds it disarmed, first (site)"


def test_a_broken_chain() -> None:
    kernel = patched()
    kernel.stacks["f"].ops.struct["flags"] = 0
    report = reported(kernel)
    assert report.runs == "unknown: its call chain is broken"
    assert not report.clean


@pytest.mark.parametrize("build", [MPROFILE])
def test_text_that_cannot_be_read(build: Build) -> None:
    kernel = patched(build)
    kernel.functions["f"].lose_text()
    report = reported(kernel)
    why = unread(report.site)
    assert why.reason.startswith("text of f: not in the dump")
    assert report.listing == report.chain == (why,)
    assert report.entry.toc_setup == report.entry.toc == report.leaf_without_toc == why
    assert report.no_site == report.winner == report.runs == report.replacement_entry == why
    assert (report.replacement, sure(report.record).agrees) == ((why,), why)
    assert "text of f" in [problem.where for problem in report.problems]
    assert not report.clean
    # By its symbol, where its words are not known.
    assert report.entry.local == kernel.functions["f"].local_entry


def test_a_replacement_that_cannot_be_read() -> None:
    kernel = patched()
    kernel.functions["first_f"].lose_text()
    report = reported(kernel)
    why = unread(report.replacement_entry)
    assert why.reason.startswith("replacement first_f: not in the dump")
    assert report.replacement == (why,)
    assert report.runs == "first_f [first], whose TOC set-up is unknown"
    assert sure(report.winner).patch == "first"
    assert "replacement first_f" in [problem.where for problem in report.problems]
    assert not report.clean


def test_whether_it_is_patched_cannot_be_read() -> None:
    kernel = patched()
    kernel.memory.lose(kernel.klp_ops)
    report = reported(kernel)
    why = unread(report.runs)
    assert why.reason.startswith("list klp_ops: not in the dump")
    assert report.winner == report.chain[-1] == report.replacement_entry == why
    assert not report.clean


def test_no_patch_is_on_it_by_its_record() -> None:
    """ftrace notes of a record that an ops with IPMODIFY, as livepatch's, wants its site."""
    kernel = FakeKernel()
    kernel.function("f")
    kernel.memory.lose(kernel.klp_ops)
    assert reported(kernel).runs == "f itself: no live patch replaces it"


def test_its_record_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.patch("first", kernel.function("f"))
    kernel.functions["f"].record.lose()
    report = reported(kernel)
    assert unread(report.record).reason.startswith("ftrace records: not in the dump")
    assert sure(report.site).address == kernel.functions["f"].site
    assert sure(report.runs).startswith("first_f [first], ")


def test_whether_it_has_a_site_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.function("traced").record.lose()
    kernel.function("f", traced=False)
    report = reported(kernel)
    why = unread(report.record)
    assert report.site == report.no_site == report.runs == why
    assert report.chain == (why,)


def test_the_symbol_of_its_replacement_is_unknown() -> None:
    kernel = patched()
    kernel.module("first").kallsyms.lose()
    report = reported(kernel)
    why = unread(report.replacement_entry)
    assert why.reason.startswith("symbols of module at ")
    assert report.replacement == (why,)
    assert report.runs == why
    assert sure(report.winner).new_func == kernel.functions["first_f"].address


def test_ftrace_itself_holds_its_site_idle() -> None:
    kernel = patched()
    kernel.functions["f"].site_word = NOP
    kernel.functions["f"].has_flags("IPMODIFY", count=1)
    assert sure(reported(kernel).runs).startswith(
        "f itself: ftrace holds its mcount site idle, as kernel.ftrace_enabled = 0 makes it"
    )


def test_it_is_told_by_the_name_that_people_know() -> None:
    kernel = FakeKernel()
    kernel.function("my_init", "my_module")
    function = kernel.functions["my_init"]
    kernel.module("my_module").symbol("init_module", function.address, FUNCTION_SIZE, 0)
    report = reported(kernel, "init_module")
    assert (report.name, report.aliases) == ("my_init", ("init_module",))


def test_a_replacement_says_of_which_patch_and_whether_it_runs() -> None:
    kernel = patched()
    report = reported(kernel, "first_f")
    assert (
        report.runs == "first_f itself: first has it for f [scsi_common]; a call of that runs this"
    )
    second = kernel.patch("second", kernel.functions["f"])
    assert sure(reported(kernel, "first_f").runs).endswith("runs the version of second")
    kernel.in_transition(second)
    assert sure(reported(kernel, "second_f").runs).endswith("tasks already switched run this")
    kernel.memory.lose(kernel.transition_patch)
    said = sure(reported(kernel, "second_f").runs)
    assert "which tasks run this is unknown (klp_transition_patch: " in said
    kernel.function("helper", "first", traced=False)
    said = "code of the patch first, the replacement of nothing"
    assert sure(reported(kernel, "helper").runs).endswith(said)


def test_a_function_of_its_name_in_a_live_patch_is_told() -> None:
    kernel = patched()
    other = kernel.patches[0].module
    other.symbol("f", kernel.functions["first_f"].address + 0x1000, 16, 0)
    view = kernel.view()
    symbol = view.symbols.named("f", "scsi_common")[0]
    (found,) = report_func(view, symbol).namesakes
    assert isinstance(found, Namesake)
    assert found.module == "first"
