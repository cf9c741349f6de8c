# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``site`` and ``func`` say of a name or an address that they cannot use."""

from collections import defaultdict

import pytest

from tests.conftest import Captured
from tests.support.cli import klp_debug_json, refusal
from tests.support.compiled_sites import compiled_sites
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab

both = pytest.mark.parametrize("command", ["site", "func"])


@pytest.fixture
def patched(captured: Captured) -> CaptureSet:
    return captured("patched")


def refused(patched: CaptureSet, command: str, spec: str) -> str:
    message = refusal(command, spec, "-c", patched.path("kdump"), "-s", patched.image.vmlinux)
    return message.removeprefix("klp-debug: ").strip()


@both
def test_no_such_function(patched: CaptureSet, command: str) -> None:
    assert "nosuch" not in {symbol.name for symbol in patched.oracle.kallsyms}
    assert refused(patched, command, "nosuch") == "no function nosuch in this kernel"


def test_no_such_function_in_that_object(patched: CaptureSet) -> None:
    said = refused(patched, "site", "vmlinux:int_to_scsilun")
    assert said == "no function int_to_scsilun in vmlinux"


@both
def test_a_name_of_data(patched: CaptureSet, command: str) -> None:
    at = patched.oracle.address("jiffies_64")
    said = refused(patched, command, "jiffies_64")
    assert said == f"no function jiffies_64 in this kernel: the symbol at {at:#x} is none"


@both
def test_an_address_of_data(patched: CaptureSet, command: str) -> None:
    at = patched.oracle.address("jiffies_64") + 4
    said = refused(patched, command, f"{at:#x}")
    assert said == f"{at:#x} is in jiffies_64, which is no function"


@both
def test_an_address_that_is_not_mapped(patched: CaptureSet, command: str) -> None:
    """The kernel maps nothing below PAGE_OFFSET."""
    assert refused(patched, command, "0x10").startswith("0x10 is not mapped")


def test_an_address_in_the_guard_page_behind_a_module(patched: CaptureSet) -> None:
    """Behind each vmalloc area, whose size /proc/modules tells in 6.1, a page is unmapped."""
    (module,) = (m for m in patched.oracle.modules if m.name == "scsi_common")
    assert module.size % patched.oracle.page_size == 0
    guard = module.address + module.size
    assert refused(patched, "site", f"{guard:#x}").startswith(f"{guard:#x} is not mapped")


@both
def test_an_address_in_no_symbol(patched: CaptureSet, command: str) -> None:
    """A record is in memory that was allocated at boot or when its module was loaded."""
    target = ("-c", patched.path("kdump"), "-s", patched.image.vmlinux)
    at = klp_debug_json("site", "cmdline_proc_show", *target)["record"]["address"]
    said = refused(patched, command, at)
    assert said == f"{at} is in no symbol of the kernel or its modules"


def test_an_address_that_the_dump_lacks(patched: CaptureSet) -> None:
    """The linear map's addresses end with the guest's memory."""
    at = 0xC000000000000000 + (int(patched.scenario.memory.removesuffix("M")) << 20)
    said = refused(patched, "site", f"{at:#x}")
    assert said.startswith(f"{at:#x} is in no symbol of the kernel or its modules, and cannot be")


@pytest.mark.parametrize("offset", [4, 0x20])
def test_an_address_beside_the_site(patched: CaptureSet, offset: int) -> None:
    """In the middle of a function, before its site and behind it."""
    name = "meminfo_proc_show"
    site = compiled_sites(patched.image.vmlinux).offset(name)
    start = patched.oracle.address(name)
    assert site is not None
    said = refused(patched, "site", f"{start + offset:#x}")
    assert f"{start + offset:#x} is {name}+{offset:#x}, which is no mcount site" in said
    assert f"{name}+{site:#x} at {start + site:#x}" in said


@both
def test_an_ambiguous_name(patched: CaptureSet, command: str) -> None:
    twins = [symbol for symbol in patched.oracle.kallsyms if symbol.name == "c_start"]
    assert [(symbol.type, symbol.module) for symbol in twins] == [("t", None)] * 2
    addresses = sorted(symbol.address for symbol in twins)
    told = ", ".join(f"c_start@{n} at {at:#x}" for n, at in enumerate(addresses, 1))
    assert refused(patched, command, "c_start") == f"c_start is ambiguous: {told}"
    said = refused(patched, command, "c_start@3")
    assert said == "c_start has 2 symbols in this kernel, so no @3"


@both
def test_a_name_in_several_modules(patched: CaptureSet, command: str) -> None:
    modules = {s.module: s.address for s in patched.oracle.kallsyms if s.name == "cleanup_module"}
    assert len(modules) > 1
    said = refused(patched, command, "cleanup_module")
    assert said.startswith("cleanup_module is ambiguous: ")
    told = said.partition(": ")[2].split(", ")
    assert sorted(told) == sorted(f"{m}:cleanup_module at {at:#x}" for m, at in modules.items())


@both
def test_a_position_of_data(patched: CaptureSet, command: str) -> None:
    """Livepatch's sympos counts data, too: the first set_root is a function, the second not."""
    symbols = defaultdict(list)
    for symbol in patched.oracle.kallsyms:
        symbols[symbol.name].append(symbol)
    function, data = sorted(symbols["set_root"], key=lambda symbol: symbol.address)
    assert (function.type, data.type) == ("t", "d")
    said = refused(patched, command, "set_root@2")
    assert said == f"no function set_root@2: the symbol at {data.address:#x} is none"


@pytest.mark.parametrize("name", ["klp_ftrace_handler", "ftrace_caller"])
def test_a_function_that_was_compiled_without_a_site(patched: CaptureSet, name: str) -> None:
    """One is notrace, the other written in assembly."""
    assert compiled_sites(patched.image.vmlinux).offset(name) is None
    said = refused(patched, "site", name)
    assert said == (
        f"{name} has no mcount site: it was compiled without one"
        " (notrace, noinstr, or written in assembly)"
    )


def test_an_init_function(patched: CaptureSet) -> None:
    """It was compiled with a site, but its record is gone."""
    name = "start_kernel"
    assert compiled_sites(patched.image.vmlinux).offset(name) is not None
    said = refused(patched, "site", name)
    assert said.startswith(f"{name} has no mcount site: it is init text")
