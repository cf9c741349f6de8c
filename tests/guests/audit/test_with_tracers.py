# SPDX-License-Identifier: GPL-2.0-or-later
"""
``ops`` and ``audit`` against the guest's own word, with every kind of tracer at work.

tracefs tells the sites there are, those that are armed, how many ops each has, and its flags.
"""

import dataclasses
import functools
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import pytest

from tests.conftest import Captured
from tests.support.bpf import attach_bpf
from tests.support.cli import klp_debug_json, klp_debug_run
from tests.support.tier import by_tier
from vmcores.build.recipe import guest_kernels
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import EnabledFunction, Oracle
from vmcores.oracle.oracle_files import parse_enabled_functions
from vmcores.scenarios.played_guest import played_guest
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

TRACING = "/sys/kernel/tracing"
PATCHES = ["cmdline_patch_2", "leaf_patch", "toc_patch"]
"""On top of each func_stack."""
PATCHED = ["cmdline_proc_show", "int_to_scsilun", "scsi_set_sense_information"]


OUT_OF_LINE = pytest.mark.parametrize(
    "guest", by_tier(covering=["7.2"], full=guest_kernels()), indirect=True
)
"""In the covering set, what asks for nothing but what sites out of line have more of."""


@pytest.fixture(
    scope="module",
    params=by_tier(covering=["6.1", "7.2"], full=guest_kernels()),
)
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    with played_guest(load_scenario("patched"), request.param, "radix") as guest:
        guest.check(f"echo 0 > {TRACING}/tracing_on")
        yield guest


@pytest.fixture(autouse=True)
def _untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "guest" in request.fixturenames:
        request.getfixturevalue("guest").check(
            # The profiler before the filter, without which it takes all functions.
            f"cd {TRACING}; echo nop > current_tracer; echo 0 > function_profile_enabled;"
            " echo > set_ftrace_filter; echo > set_ftrace_notrace;"
            " echo 0 > events/enable; echo > dynamic_events"
        )


def trace(guest: Guest, tracer: str, *functions: str) -> None:
    for function in functions:
        guest.check(f"echo {function} >> {TRACING}/set_ftrace_filter")
    guest.check(f"echo {tracer} > {TRACING}/current_tracer")


def probe(guest: Guest, function: str) -> None:
    """Put a kprobe on a function's entry, which is its mcount site."""
    guest.check(f"echo 'p:{function} {function}' >> {TRACING}/kprobe_events")
    guest.check(f"echo 1 > {TRACING}/events/kprobes/{function}/enable")


@dataclass(frozen=True)
class Said:
    """What a guest says of itself that no tracer changes: to read it takes seconds."""

    oracle: Oracle
    functions: list[str]
    """``available_filter_functions``."""
    addresses: list[int] | None
    """Of the same, since Linux 6.5."""

    @classmethod
    def by(cls, guest: Guest) -> Self:
        addresses = f"{TRACING}/available_filter_functions_addrs"
        return cls(
            oracle=guest.oracle(),
            functions=guest.read(f"{TRACING}/available_filter_functions").decode().splitlines(),
            addresses=[int(line.split()[0], 16) for line in guest.read(addresses).splitlines()]
            if guest.image.kernel.recipe.name.startswith("7.2")
            else None,
        )


_said_by = functools.cache(Said.by)


def ops(guest: Guest, said: Said | None = None) -> tuple[Any, Oracle]:
    """
    Return the document, after comparing it with what tracefs says; audit must agree.

    :param said: what the guest says of itself since a module or program came
    """
    said = said or _said_by(guest)
    oracle = dataclasses.replace(
        said.oracle,
        enabled_functions=parse_enabled_functions(
            guest.read(f"{TRACING}/enabled_functions").decode()
        ),
        leaf_probe=guest.check("cat /proc/leaf_probe"),
        cmdline=guest.check("cat /proc/cmdline"),
    )
    document = klp_debug_json("ops", "--qemu", guest.qmp_socket, "--symbols", guest.image.vmlinux)
    assert document["problems"] == []
    assert document["ftrace_enabled"] is (
        guest.check("cat /proc/sys/kernel/ftrace_enabled") == "1\n"
    )
    assert document["sites"] == len(said.functions)
    # Those that another ops manages are not called by the sites themselves.
    called = [one for one in document["ops"] if one["managed_by"] is None]
    assert sum(one["hooks"] for one in called) == sum(f.count for f in oracle.enabled_functions)
    for line in oracle.enabled_functions:
        if line.name in (*PATCHED, "vfs_read"):
            assert len(users_of(document, name_of(line))) == line.count, line.name
    audit(guest, oracle, said)
    return document, oracle


def name_of(line: EnabledFunction) -> str:
    return f"{line.name} [{line.module}]" if line.module else line.name


def users_of(document: Any, function: str) -> list[str]:
    """Return the users that hook a function, by the filters alone."""
    return [
        one["user"]
        for one in document["ops"]
        if one["managed_by"] is None
        and (one["all_functions"] or function in one["filter"]["functions"])
        and function not in one["notrace"]["functions"]
    ]


def audit(guest: Guest, oracle: Oracle, said: Said) -> None:
    """Check that audit finds nothing, and the same sites as tracefs, armed where it says so."""
    document = klp_debug_json(
        "audit", "--sites", "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux
    )
    assert document["findings"] == document["problems"] == []
    names = TracefsNames(said.oracle, said.functions)
    armed, listed = Counter[tuple[object, ...]](), Counter[str]()
    for site in document["listing"]:
        address = int(site["address"], 16)
        listed[names.of(address, site["module"])] += 1
        if site["function"]:
            assert site["function"] in names.at(address - site["offset"], site["module"])
        if site["state"] == "armed":
            name = names.of(address, site["module"])
            armed[name, site["users"], site["letters"]] += 1
    assert listed == Counter(said.functions)
    assert armed == Counter(
        (name_of(line), line.count, line.flags) for line in oracle.enabled_functions
    )
    if said.addresses is not None:
        listed_at = sorted(int(site["address"], 16) for site in document["listing"])
        assert listed_at == sorted(said.addresses)


class TracefsNames:
    """What tracefs calls a site: the last symbol of kallsyms before it."""

    # Where an mcount site can be at most, from the function's beginning, before tracefs says that
    # its symbol is another's: a dropped weak function's sites stay (FTRACE_MCOUNT_MAX_OFFSET).
    FURTHEST = 16

    def __init__(self, oracle: Oracle, listed: list[str]) -> None:
        self._invalid = any(name.startswith("__ftrace_invalid_address___") for name in listed)
        self._names: dict[tuple[str | None, int], list[str]] = {}
        for symbol in oracle.kallsyms:
            self._names.setdefault((symbol.module, symbol.address), []).append(symbol.name)
        self._starts: dict[str | None, list[int]] = {}
        for module, start in sorted(self._names, key=lambda key: key[1]):
            self._starts.setdefault(module, []).append(start)

    def at(self, address: int, module: str | None) -> list[str]:
        """Return all symbols at an address, in the order of kallsyms."""
        return self._names[module, address]

    def of(self, address: int, module: str | None) -> str:
        starts = self._starts[module]
        start = starts[bisect_right(starts, address) - 1]
        name = self.at(start, module)[0]
        if self._invalid and address - start > self.FURTHEST:
            name = f"__ftrace_invalid_address___{address - start}"
        return f"{name} [{module}]" if module else name


def enabled(oracle: Oracle, name: str) -> EnabledFunction:
    (line,) = (line for line in oracle.enabled_functions if line.name == name)
    return line


def func(guest: Guest, name: str) -> Any:
    return klp_debug_json("func", name, "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)


@pytest.mark.full  # of dumps, `ops` is held to the same
@OUT_OF_LINE
def test_live_patches_alone(guest: Guest) -> None:
    document, _ = ops(guest)
    assert sorted(one["patch"] for one in document["ops"]) == PATCHES
    for one in document["ops"]:
        assert one["user"] == "livepatch"
        assert one["func_symbol"] == "klp_ftrace_handler"
        assert {"ENABLED", "IPMODIFY", "PERMANENT"} <= set(one["flags"])
        assert one["hooks"] == one["filter"]["count"] == 1
        assert not one["all_functions"]


@pytest.mark.parametrize("guest", by_tier(covering=["6.1"], full=guest_kernels()), indirect=True)
def test_a_tracer_on_patched_functions(guest: Guest) -> None:
    trace(guest, "function", *PATCHED)
    document, oracle = ops(guest)
    (tracer,) = (one for one in document["ops"] if one["user"] == "function tracer")
    assert tracer["symbol"] == "global_ops"
    for name in PATCHED:
        line = enabled(oracle, name)
        assert line.count == 2
        assert sorted(users_of(document, name_of(line))) == ["function tracer", "livepatch"]
        shown = func(guest, name)
        assert shown["record"]["users"] == 2
        assert shown["winner"]["symbol"].startswith(f"patched_{name}")
        assert all(hop["ok"] for hop in shown["chain"])
    said = guest.check("cat /proc/leaf_probe /proc/cmdline")
    assert said == oracle.leaf_probe + oracle.cmdline, "the patches are still what runs"


@pytest.mark.parametrize("guest", by_tier(covering=["6.1"], full=guest_kernels()), indirect=True)
def test_kprobes_on_patched_functions(guest: Guest) -> None:
    for name in PATCHED:
        probe(guest, name)
    document, oracle = ops(guest)
    for name in PATCHED:
        line = enabled(oracle, name)
        assert (line.count, "R" in line.flags) == (2, True)
        assert sorted(users_of(document, name_of(line))) == ["kprobes", "livepatch"]
        assert named_at(guest, name)["kprobes"] == [f"kprobe on {name}+0x0, event kprobes/{name}"]
        shown = func(guest, name)
        assert all(hop["ok"] for hop in shown["chain"])
        trampoline = next(hop for hop in shown["chain"] if hop["kind"] == "trampoline")
        # A kprobe asks for all registers.
        assert int(trampoline["address"], 16) == oracle.address("ftrace_regs_caller")


@pytest.mark.parametrize("guest", by_tier(covering=["6.1"], full=guest_kernels()), indirect=True)
def test_who_holds_a_site_by_name(guest: Guest) -> None:
    """As tracefs has them: two events at one address, one on return, and an instance."""
    mine = f"{TRACING}/instances/mine"
    guest.check(
        f"cd {TRACING}; mkdir instances/mine; echo vfs_read > {mine}/set_ftrace_filter;"
        f" echo function > {mine}/current_tracer;"
        " echo 'p:one vfs_read' >> kprobe_events; echo 'p:of_us/two vfs_read' >> kprobe_events;"
        " echo 1 > events/kprobes/one/enable; echo 1 > events/of_us/two/enable"
    )
    try:
        trace(guest, "function", "vfs_read")
        events = guest.check(f"cat {TRACING}/kprobe_events").split()
        assert events == ["p:kprobes/one", "vfs_read", "p:of_us/two", "vfs_read"]
        held = named_at(guest, "vfs_read")
        assert sorted(held["function tracer"]) == ["instance mine", "the top tracing instance"]
        assert sorted(held["kprobes"]) == [
            "kprobe on vfs_read+0x0, event kprobes/one",
            "kprobe on vfs_read+0x0, event of_us/two",
        ]
        document, _ = ops(guest)
        (probes,) = (one for one in document["ops"] if one["user"] == "kprobes")
        assert sorted(probes["held_by"]) == sorted(held["kprobes"])
    finally:
        guest.check(f"echo nop > {mine}/current_tracer; rmdir {mine}")


def named_at(guest: Guest, function: str) -> dict[str, list[str]]:
    """Return the names that ``site`` gives to those that want a site, by user."""
    document = klp_debug_json(
        "site", function, "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux
    )
    named: dict[str, list[str]] = {}
    for one in document["ops"]:
        named.setdefault(one["user"], []).extend(one["held_by"])
    return named


@OUT_OF_LINE
def test_several_ops_on_one_function(guest: Guest) -> None:
    probe(guest, "int_to_scsilun")
    trace(guest, "function", "int_to_scsilun")
    guest.check(f"echo 1 > {TRACING}/function_profile_enabled")
    document, oracle = ops(guest)
    line = enabled(oracle, "int_to_scsilun")
    users = users_of(document, "int_to_scsilun [scsi_common]")
    assert len(users) == line.count >= 4
    assert {"kprobes", "livepatch", "function tracer"} < set(users)
    assert all(hop["ok"] for hop in func(guest, "int_to_scsilun")["chain"])


@pytest.mark.full  # the same with a notrace filter has all of this
@OUT_OF_LINE
def test_the_function_tracer_on_all_functions(guest: Guest) -> None:
    trace(guest, "function")
    document, oracle = ops(guest)
    (tracer,) = (one for one in document["ops"] if one["user"] == "function tracer")
    assert tracer["all_functions"]
    assert tracer["hooks"] == len(oracle.enabled_functions) > 10000
    text = klp_debug_run("ops", "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)
    assert (text.status, text.err) == (0, "")
    assert "global_ops" in text.out
    assert "ftrace_enabled 1" in text.out


@OUT_OF_LINE
def test_a_notrace_filter(guest: Guest) -> None:
    guest.check(f"echo vfs_read > {TRACING}/set_ftrace_notrace")
    trace(guest, "function")
    document, oracle = ops(guest)
    assert all(line.name != "vfs_read" for line in oracle.enabled_functions)
    (tracer,) = (one for one in document["ops"] if one["user"] == "function tracer")
    assert tracer["notrace"] == {"count": 1, "functions": ["vfs_read"]}
    assert tracer["hooks"] == len(oracle.enabled_functions) > 10000


@pytest.mark.full  # with a second user of graph_ops, and on return, it is in the covering set
@OUT_OF_LINE
def test_the_graph_tracer(guest: Guest) -> None:
    trace(guest, "function_graph", "vfs_read")
    document, _ = ops(guest)
    assert "function graph tracer" in users_of(document, "vfs_read")


@OUT_OF_LINE
def test_managed_ops(guest: Guest) -> None:
    """Since Linux 6.12 one ops of the graph tracer calls those of all its users."""
    if guest.image.kernel.recipe.name in ("6.1", "6.1-4k"):
        pytest.skip("the graph tracer of this kernel has one user at a time")
    trace(guest, "function_graph", "vfs_read")
    guest.check(f"echo 1 > {TRACING}/function_profile_enabled")
    document, oracle = ops(guest)
    (manager,) = (one for one in document["ops"] if one["symbol"] == "graph_ops")
    assert manager["hooks"] == enabled(oracle, "vfs_read").count == 1
    # Both go by set_ftrace_filter.
    managed = {
        one["user"]: (one["managed_by"], one["filter"]["functions"])
        for one in document["ops"]
        if one["managed_by"] is not None
    }
    assert managed == {
        "function graph tracer": (manager["address"], ["vfs_read"]),
        "function profiler": (manager["address"], ["vfs_read"]),
    }


@OUT_OF_LINE
def test_fprobes(guest: Guest) -> None:
    """One on entry has an ops; the graph tracer's ops manages that of one on return."""
    if "7.2" not in guest.image.kernel.recipe.name:
        pytest.skip("this kernel has no fprobe events")
    guest.check(
        f"cd {TRACING}; echo 'f:entered vfs_write' >> dynamic_events;"
        " echo 'f:returned int_to_scsilun%return' >> dynamic_events;"
        " echo 1 > events/fprobes/enable"
    )
    document, oracle = ops(guest)
    assert users_of(document, "vfs_write") == ["fprobe"]
    line = enabled(oracle, "int_to_scsilun")
    assert line.count == 2
    assert sorted(users_of(document, name_of(line))) == ["function graph tracer", "livepatch"]
    (managed,) = (one for one in document["ops"] if one["managed_by"] is not None)
    assert (managed["user"], managed["filter"]["functions"]) == ("fprobe", [name_of(line)])
    assert all(hop["ok"] for hop in func(guest, "int_to_scsilun")["chain"])


@OUT_OF_LINE
def test_direct_calls(guest: Guest) -> None:
    if guest.image.kernel.recipe.name != "7.2":
        pytest.skip("the lab has ftrace-direct.ko for Linux 7.2 alone")
    guest.check("insmod /modules/ftrace-direct.ko")
    try:
        said = Said.by(guest)
        document, oracle = ops(guest, said)
        line = enabled(oracle, "wake_up_process")
        assert (line.count, "D" in line.flags) == (1, True)
        (direct,) = (one for one in document["ops"] if one["user"] == "direct calls")
        assert direct["direct_calls"] == [
            {
                "function": "wake_up_process",
                "target": f"{oracle.address('my_tramp', 'ftrace_direct'):#018x}",
                "target_symbol": "my_tramp [ftrace_direct]",
            }
        ]
        shown = func(guest, "wake_up_process")
        assert all(hop["ok"] for hop in shown["chain"])
        assert shown["chain"][-1]["symbol"] == "my_tramp [ftrace_direct]"
        # With a second user the direct call goes through the list of ops.
        trace(guest, "function", "wake_up_process")
        ops(guest, said)
        assert all(hop["ok"] for hop in func(guest, "wake_up_process")["chain"])
    finally:
        guest.check(f"echo nop > {TRACING}/current_tracer; rmmod ftrace_direct")


@OUT_OF_LINE
def test_bpf(guest: Guest) -> None:
    """A program on a function's entry is a direct call of its trampoline."""
    if guest.image.kernel.recipe.name != "7.2":
        pytest.skip("ppc64 has BPF trampolines since Linux 6.13")
    attach_bpf(guest, "vfs_read")
    try:
        said = Said.by(guest)
        document, oracle = ops(guest, said)
        line = enabled(oracle, "vfs_read")
        assert (line.count, "D" in line.flags) == (1, True)
        (bpf,) = (one for one in document["ops"] if one["user"] == "BPF")
        (call,) = bpf["direct_calls"]
        assert call["function"] == "vfs_read"
        (trampoline,) = (
            symbol.address
            for symbol in oracle.kallsyms
            if symbol.module == "bpf" and symbol.name.startswith("bpf_trampoline_")
        )
        assert int(call["target"], 16) == trampoline
        info = guest.check("cat /proc/$(cat /share/bpf_pid)/fdinfo/* | grep prog_id")
        (id_,) = {line.split()[1] for line in info.splitlines()}
        assert bpf["held_by"] == named_at(guest, "vfs_read")["BPF"] == [f"BPF program (id {id_})"]
        last = func(guest, "vfs_read")["chain"][-1]
        assert (last["kind"], last["address"], last["ok"]) == ("direct", call["target"], True)
        trace(guest, "function", "vfs_read")
        ops(guest, said)
    finally:
        guest.check(f"echo nop > {TRACING}/current_tracer; kill $(cat /share/bpf_pid)")


def test_no_ops(captured: Captured) -> None:
    captures = captured("unpatched")
    document = klp_debug_json("ops", "-c", captures.path("kdump"), "-s", captures.image.vmlinux)
    assert document["ops"] == []
    assert document["sites"] > 10000
