# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kernel is, has and holds; and that of it which cannot be read."""

import pytest
from drgn import FaultError, Object

from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.module import module_name
from klp_debug.ppc64le.entry import TocSetup
from klp_debug.ppc64le.site import Dialect, SiteState
from klp_debug.result.unknown import Unknown
from tests.support.fake_ftrace import FUNCTION_SIZE
from tests.support.fake_kernel import RELEASE
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP
from tests.support.kernel_structs import BUILDS, MPROFILE, OUT_OF_LINE, PCREL, Build
from tests.support.paged_memory import PAGE
from tests.support.sure import sure, unread


@pytest.mark.parametrize(
    ("build", "dialect", "toc"),
    [
        (MPROFILE, "mprofile-kernel (2 instructions)", True),
        (OUT_OF_LINE, "out-of-line", True),
        (PCREL, "out-of-line", False),
    ],
)
def test_which_kernel_it_is(build: Build, dialect: str, toc: bool) -> None:
    kernel = FakeKernel(build)
    kernel.function("vfs_read")
    view = kernel.view()
    described = view.describe()
    assert described.release == RELEASE
    assert described.build_id == "0123abcd"
    assert described.dialect == dialect
    assert described.livepatch is True
    assert described.pcrel is not toc
    assert view.kernel_toc == (kernel.kernel_toc if toc else None)
    assert view.kernel_base == (None if toc else 0xC000000000000000)
    assert view.call_ops is build.out_of_line
    assert view.patchable is build.out_of_line  # such a compiler calls no _mcount
    assert view.problems.all() == ()


def test_built_without_livepatch() -> None:
    assert FakeKernel(Build(livepatch=False)).view().has_livepatch is False


def test_a_kernel_without_records_has_no_dialect_to_tell() -> None:
    assert FakeKernel().view().dialect is Dialect.UNKNOWN


def test_the_dialect_is_that_of_most_sites_that_can_be_read() -> None:
    kernel = FakeKernel()
    lost, odd, *_ = [kernel.function(f"f{number}") for number in range(5)]
    lost.lose_text()
    kernel.put_words(odd.site - 4, NOP)
    assert kernel.view().dialect is Dialect.MPROFILE_KERNEL_2


def test_symbols_are_those_of_vmlinux_and_of_each_module() -> None:
    kernel = FakeKernel()
    kernel.function("vfs_read")
    leaf = kernel.function("int_to_scsilun", "scsi_common", leaf=True)
    view = kernel.view()
    (symbol,) = view.symbols.named("int_to_scsilun")
    assert (symbol.module, symbol.address, symbol.size) == (
        "scsi_common",
        leaf.address,
        FUNCTION_SIZE,
    )
    assert view.symbols.format(kernel.functions["vfs_read"].address + 4) == "vfs_read+0x4"


def test_symbols_of_a_module_that_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.function("int_to_scsilun", "scsi_common")
    kernel.function("other", "other_module")
    kernel.module("scsi_common").kallsyms.lose()
    view = kernel.view()
    assert view.symbols.named("int_to_scsilun") == []
    assert len(view.symbols.named("other")) == 1
    at = kernel.module("scsi_common").struct.address
    assert [problem.where for problem in view.problems.all()] == [f"symbols of module at {at:#x}"]


def test_a_list_of_modules_that_breaks_off() -> None:
    kernel = FakeKernel()
    first, second = kernel.module("first"), kernel.module("second")
    second.struct.lose()
    view = kernel.view()
    assert [module.value_() for module in view.modules] == [first.struct.address]
    assert [problem.where for problem in view.problems.all()] == ["list of modules"]
    missing = unread(view.modules.missing)
    assert missing.reason.startswith("list of modules: not in the dump")
    assert sure(view.module_of("first")).value_() == first.struct.address
    assert view.module_of("second") == missing
    assert view.symbols.missing == missing
    assert view.symbols.covering(second.base) == missing


def test_a_module_whose_name_cannot_be_read_may_be_any(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = FakeKernel()
    first, second = kernel.module("first"), kernel.module("second")
    view = kernel.view()

    def name(module: Object) -> str:
        if module.value_() == first.struct.address:
            raise FaultError("not in the dump", module.value_())
        return module_name(module)

    monkeypatch.setattr("klp_debug.analysis.view.kernel_view.module_name", name)
    assert sure(view.module_of("second")).value_() == second.struct.address
    for absent in ("first", "third"):
        found = view.module_of(absent)
        assert isinstance(found, Unknown)
        assert found.reason.startswith(f"name of module at {first.struct.address:#x}: not in")


def test_records_that_cannot_be_read_cost_no_others() -> None:
    kernel = FakeKernel()
    kernel.function("vfs_read").record.lose()
    other = kernel.function("other", "scsi_common")
    view = kernel.view()
    assert view.records.ips.tolist() == [other.site]
    assert unread(view.records.missing).reason.startswith("ftrace records: not in the dump")
    assert [problem.where for problem in view.problems.all()] == ["ftrace records"]


def test_a_kernel_without_records_is_no_kernel_of_none() -> None:
    kernel = FakeKernel()
    kernel.forget("ftrace_pages_start")
    view = kernel.view()
    assert len(view.records) == 0
    assert view.records.missing == Unknown("ftrace records: this kernel has no ftrace_pages_start")


def test_a_kernel_without_ftrace_has_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is known, by its types: nothing of it is unknown."""
    monkeypatch.setattr("klp_debug.analysis.view.kernel_view.has_ftrace", lambda prog: False)
    view = FakeKernel().view()
    assert (len(view.records), view.records.missing) == (0, None)
    assert view.record_flags.of(1 << 31) == view.ops_flags.of(1) == ()
    assert view.describe().dialect == "none"
    assert view.problems.all() == ()


@pytest.mark.parametrize("build", BUILDS)
def test_records_by_address_with_their_flags(build: Build) -> None:
    kernel = FakeKernel(build)
    in_module = kernel.function("int_to_scsilun", "scsi_common", leaf=True)
    first, second = kernel.function("first"), kernel.function("second")
    kernel.ops("function_trace_call", second)
    view = kernel.view()
    assert view.records.ips.tolist() == [first.site, second.site, in_module.site]
    assert view.records.ool_stubs.tolist() == [first.ool_stub, second.ool_stub, in_module.ool_stub]
    enabled = view.record_flags["ENABLED"]
    flags = view.records.flags.tolist()
    assert [bool(word & enabled) for word in flags] == [False, True, False]


def test_a_kernel_without_ftrace_has_no_flags() -> None:
    kernel = FakeKernel()
    kernel.types.enums.clear()
    view = kernel.view()
    assert view.record_flags["ENABLED"] == view.ops_flags["ENABLED"] == 0
    assert [problem.where for problem in view.problems.all()] == [
        "flags of ftrace records",
        "flags of ftrace_ops",
    ]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("leaf", [False, True])
def test_entry_and_site_of_a_function(build: Build, leaf: bool) -> None:
    kernel = FakeKernel(build)
    made = kernel.function("vfs_read", leaf=leaf)
    view = kernel.view()
    (symbol,) = view.symbols.named("vfs_read")
    entry = view.entry_of(symbol)
    assert (entry.global_entry, entry.local_entry) == (made.address, made.local_entry)
    assert entry.toc_setup is (TocSetup.R12 if made.toc_setup else entry.toc_setup)
    assert entry.toc == (kernel.kernel_toc if made.toc_setup else None)
    record = sure(view.record_of(symbol))
    assert (record.address, record.ip) == (made.record.address, made.site)
    site = sure(view.site_of(symbol, entry))
    assert (site.address, site.state) == (made.site, SiteState.IDLE)


def test_a_function_that_ftrace_has_no_record_of_has_no_site() -> None:
    kernel = FakeKernel()
    kernel.function("traced")
    kernel.function("notrace", traced=False)
    view = kernel.view()
    (symbol,) = view.symbols.named("notrace")
    assert view.record_of(symbol) is None
    assert view.site_of(symbol, view.entry_of(symbol)) is None


def test_without_any_record_the_site_is_sought_by_its_shape() -> None:
    kernel = FakeKernel()
    made = kernel.function("vfs_read")
    made.record.lose()
    view = kernel.view()
    (symbol,) = view.symbols.named("vfs_read")
    assert view.record_of(symbol) == view.records.missing
    site = sure(view.site_of(symbol, view.entry_of(symbol)))
    assert site.address == made.site


def test_a_call_of_a_function_without_record_may_be_its_own() -> None:
    """What has the shape of an armed site is one only if it leads to ftrace."""
    kernel = FakeKernel()
    made, other = kernel.function("vfs_read"), kernel.function("other", traced=False)
    made.record.lose()
    for target, armed in ((kernel.address("ftrace_caller"), True), (other.address, False)):
        made.call(target)
        view = kernel.view()
        (symbol,) = view.symbols.named("vfs_read")
        site = view.site_of(symbol, view.entry_of(symbol))
        if armed:
            assert (sure(site).address, sure(site).state) == (made.site, SiteState.ARMED)
        else:
            assert site == unread(view.records.missing)


def test_text_that_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.function("vfs_read").lose_text()
    view = kernel.view()
    (symbol,) = view.symbols.named("vfs_read")
    with pytest.raises(FaultError):
        view.entry_of(symbol)
    with pytest.raises(FaultError):
        view.words(symbol.address, 1)


def test_words_of_a_function_end_where_it_does() -> None:
    kernel = FakeKernel()
    kernel.function("vfs_read")
    kernel.symbol("tiny", kernel.functions["vfs_read"].address, 8)
    view = kernel.view()
    (tiny,) = view.symbols.named("tiny")
    assert len(view.function_words(tiny)) == 2
    (symbol,) = view.symbols.named("vfs_read")
    assert len(view.function_words(symbol, 100)) == FUNCTION_SIZE // 4


def test_the_log() -> None:
    kernel = FakeKernel()
    kernel.say(1.5, "hello")
    (record,) = kernel.view().log
    assert (record.seconds, record.text) == (1.5, "hello")


def test_no_log_is_a_problem() -> None:
    kernel = FakeKernel()
    kernel.forget("log_buf")
    view = kernel.view()
    assert view.log == Walked((), Unknown("log of the kernel: this kernel has no log_buf"))
    assert [problem.where for problem in view.problems.all()] == ["log of the kernel"]


def test_a_log_that_breaks_off_keeps_what_was_read() -> None:
    kernel = FakeKernel()
    kernel.say(1.5, "hello")
    kernel.say(2.5, "x" * 2 * PAGE)
    kernel.memory.lose(kernel.log_at + PAGE)
    log = kernel.view().log
    assert [record.text for record in log] == ["hello"]
    assert unread(log.missing).reason.startswith("log of the kernel: not in the dump")
