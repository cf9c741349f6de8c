# SPDX-License-Identifier: GPL-2.0-or-later
"""Records are read page by page; one that cannot be read costs no other."""

import numpy as np
import pytest
from drgn import Program

from klp_debug.kernel.ftrace import FtraceRecords, has_ftrace, read_ftrace_records
from klp_debug.result.unknown import Unknown
from tests.support.fake_ftrace import FakeFunction
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import BUILDS, Build
from tests.support.sure import unread

every_build = pytest.mark.parametrize("build", BUILDS)


def made(build: Build) -> tuple[FakeKernel, list[FakeFunction]]:
    """Return a kernel with a page of records for vmlinux and for each of two modules."""
    kernel = FakeKernel(build)
    functions = [kernel.function(f"f{number}") for number in range(2)]
    functions += [kernel.function(f"in_{name}", name) for name in ("first", "second")]
    return kernel, functions


def test_whether_a_kernel_has_ftrace() -> None:
    """Its records' type tells, or the variable that leads to them."""
    kernel = FakeKernel()
    assert has_ftrace(kernel.prog)
    kernel.forget("ftrace_pages_start")
    assert has_ftrace(kernel.prog)
    assert not has_ftrace(Program())


@every_build
def test_all_records(build: Build) -> None:
    kernel, functions = made(build)
    records = read_ftrace_records(kernel.prog)
    assert records.missing is None
    assert records.ips.tolist() == [function.site for function in functions]
    assert records.addresses.tolist() == [function.record.address for function in functions]
    assert records.out_of_line is build.out_of_line


@every_build
def test_a_page_of_records_that_cannot_be_read(build: Build) -> None:
    kernel, functions = made(build)
    functions[2].record.lose()
    records = read_ftrace_records(kernel.prog)
    rest = [function for function in functions if function is not functions[2]]
    assert records.ips.tolist() == [function.site for function in rest]
    assert unread(records.missing).reason.startswith("ftrace records: not in the dump")
    assert records.subset(np.array([0])).missing == records.missing


def test_a_list_of_pages_that_breaks_off() -> None:
    """The last page that was made is the first of the list."""
    kernel, functions = made(BUILDS[0])
    kernel.record_pages["first"].lose()
    records = read_ftrace_records(kernel.prog)
    assert records.ips.tolist() == [functions[3].site]
    assert unread(records.missing).reason.startswith("ftrace records: not in the dump")


def test_a_list_of_pages_that_runs_in_a_cycle() -> None:
    kernel, functions = made(BUILDS[0])
    kernel.record_pages[None]["next"] = kernel.record_pages["second"]
    records = read_ftrace_records(kernel.prog)
    assert records.ips.tolist() == [function.site for function in functions]
    assert "run in a cycle" in unread(records.missing).reason


def test_a_page_that_claims_too_many() -> None:
    kernel, functions = made(BUILDS[0])
    kernel.record_pages["first"]["index"] = 1 << 30
    records = read_ftrace_records(kernel.prog)
    assert functions[2].site not in records.ips.tolist()
    assert len(records) == 3
    assert f"claims {1 << 30} records" in unread(records.missing).reason


def test_a_variable_that_cannot_be_read() -> None:
    kernel, _ = made(BUILDS[0])
    kernel.memory.lose(kernel.first_record_page)
    records = read_ftrace_records(kernel.prog)
    assert len(records) == 0
    assert unread(records.missing).reason.startswith("ftrace records: not in the dump")


def test_a_kernel_without_ftrace() -> None:
    kernel, _ = made(BUILDS[0])
    kernel.forget("ftrace_pages_start")
    with pytest.raises(LookupError):
        read_ftrace_records(kernel.prog)


def test_none() -> None:
    why = Unknown("ftrace records: this kernel has none")
    assert (len(FtraceRecords.empty(why)), FtraceRecords.empty(why).missing) == (0, why)
    assert FtraceRecords.empty().missing is None
