# SPDX-License-Identifier: GPL-2.0-or-later
"""The mcount site that a name or an address means, and why there is none."""

import pytest

from klp_debug.analysis.view.find_function import FunctionNotFoundError
from klp_debug.analysis.view.find_site import (
    find_site,
    site_at,
    site_of_call,
    site_of_function,
    why_no_site,
)
from klp_debug.analysis.view.kernel_view import KernelView
from tests.support.fake_ftrace import FakeFunction
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP
from tests.support.kernel_structs import BUILDS, MPROFILE, OUT_OF_LINE, Build
from tests.support.sure import sure, unread

every_build = pytest.mark.parametrize("build", BUILDS)


def made(build: Build) -> tuple[FakeKernel, FakeFunction, FakeFunction]:
    """Return a kernel with one traced function in vmlinux and one in a module."""
    kernel = FakeKernel(build)
    return kernel, kernel.function("vfs_read"), kernel.function("int_to_scsilun", "scsi_common")


def found(view: KernelView, spec: str) -> int:
    return view.records[find_site(view, spec)].ip


def refusal(view: KernelView, spec: str) -> str:
    with pytest.raises(FunctionNotFoundError) as caught:
        find_site(view, spec)
    return str(caught.value)


@every_build
def test_by_a_name_and_by_each_address_that_means_it(build: Build) -> None:
    kernel, *functions = made(build)
    view = kernel.view()
    for function in functions:
        assert found(view, function.name) == function.site
        for address in (function.address, function.local_entry, function.site):
            assert found(view, f"{address:#x}") == function.site


@pytest.mark.parametrize("offset", [-8, -4, 0, 4, 12])
def test_by_an_address_in_its_out_of_line_stub(offset: int) -> None:
    kernel, *functions = made(OUT_OF_LINE)
    view = kernel.view()
    for function in functions:
        index = sure(site_at(view, function.ool_stub + offset))
        assert view.records[index].ip == function.site
        assert site_at(view, function.ool_stub + 16) is None
        assert site_at(view, function.ool_stub - 12) is None


@every_build
def test_by_the_return_address_of_its_call(build: Build) -> None:
    kernel, function, _ = made(build)
    view = kernel.view()
    index = sure(site_of_call(view, function.call_at + 4))
    assert view.records[index].ip == function.site
    assert site_of_call(view, function.address + 0x30) is None


def test_an_address_within_a_function_is_not_its_site() -> None:
    kernel, function, _ = made(MPROFILE)
    message = refusal(kernel.view(), f"{function.site + 4:#x}")
    assert f"is vfs_read+{function.site + 4 - function.address:#x}, which is no mcount" in message
    assert f"that function's is {function.site_label} at {function.site:#x}" in message


def test_an_address_in_no_function() -> None:
    kernel, _, _ = made(MPROFILE)
    assert "is in no symbol" in refusal(kernel.view(), "0xc00900000000f000")


def test_compiled_without_one() -> None:
    kernel, _, _ = made(MPROFILE)
    kernel.function("notrace", traced=False)
    kernel.put_words(kernel.functions["notrace"].local_entry, 0x38600000, NOP)
    assert refusal(kernel.view(), "notrace") == (
        "notrace has no mcount site: it was compiled without one (notrace, noinstr, or written in"
        " assembly)"
    )


def test_compiled_with_one_that_ftrace_has_no_record_of() -> None:
    kernel, function, _ = made(MPROFILE)
    kernel.function("forgotten", traced=False)
    words = [kernel.word(function.address + 4 * index) for index in range(8)]
    kernel.put_words(kernel.functions["forgotten"].address, *words)
    assert "ftrace has no record of it" in refusal(kernel.view(), "forgotten")


def test_init_text() -> None:
    kernel, _, _ = made(MPROFILE)
    early = kernel.function("early", traced=False).address
    kernel.symbol("_sinittext", early)
    kernel.symbol("_einittext", early + 0x1000)
    assert "it is init text, whose records ftrace drops" in refusal(kernel.view(), "early")


def test_its_text_cannot_be_read() -> None:
    kernel, _, _ = made(MPROFILE)
    kernel.function("lost", traced=False).lose_text()
    message = refusal(kernel.view(), "lost")
    assert message.startswith(
        "lost has no mcount site: why cannot be told (text of lost: not in the dump"
    )


@every_build
def test_records_that_cannot_be_read(build: Build) -> None:
    """Those of a module are on pages of their own."""
    kernel, function, other = made(build)
    function.record.lose()
    view = kernel.view()
    missing = unread(view.records.missing)
    assert missing.reason.startswith("ftrace records: not in the dump")
    assert refusal(view, "vfs_read") == (
        f"the mcount site of vfs_read cannot be told: {missing.reason}"
    )
    assert found(view, other.name) == other.site
    assert site_at(view, function.site) == missing
    assert site_of_call(view, function.call_at + 4) == missing
    (symbol,) = view.symbols.named("vfs_read")
    assert site_of_function(view, symbol) == missing
    assert why_no_site(view, symbol) == missing


def test_an_address_in_a_module_whose_symbols_cannot_be_read() -> None:
    kernel, _, function = made(MPROFILE)
    kernel.module("scsi_common").kallsyms.lose()
    view = kernel.view()
    assert found(view, f"{function.site:#x}") == function.site
    message = refusal(view, f"{function.address:#x}")
    assert message.startswith(
        f"what {function.address:#x} is in cannot be told: symbols of module at"
    )


def test_the_site_of_a_function() -> None:
    kernel, _, other = made(MPROFILE)
    view = kernel.view()
    (symbol,) = view.symbols.named("int_to_scsilun")
    index = sure(site_of_function(view, symbol))
    assert view.records[index].ip == other.site
    kernel.function("notrace", traced=False)
    view = kernel.view()
    assert site_of_function(view, view.symbols.named("notrace")[0]) is None
