# SPDX-License-Identifier: GPL-2.0-or-later
"""``scan`` of the lab's kernels and modules against the guest's own word, and its speed."""

import bisect
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klp_debug.scan.scan import Scanner
from tests.support.cli import klp_debug_json, klp_debug_run
from tests.support.compiled_sites import compiled_sites
from tests.support.entry_shapes import SHAPES
from tests.support.scanned import scan_json
from tests.support.tier import by_tier
from vmcores.build.guest_modules import module_sources
from vmcores.build.image import image
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import saved_guest

pytestmark = pytest.mark.lab

KERNELS = ("6.1", "6.12", "7.2", "7.2-pcrel")
CRASHES = "callback_patch"
"""As soon as it is loaded."""
FREED = (".init.text", ".exit.text")
INVALID = "__ftrace_invalid_address__"
"""What tracefs shows, since Linux 6.1 or so, for the site of a weak function that was dropped."""
EVERY_KERNEL = pytest.mark.parametrize("kernel", KERNELS)


def is_patch(name: str) -> bool:
    return name.endswith("_patch") or "_patch_" in name


def scanned(path: Path, *, functions: bool = False) -> Any:
    """Return what is said of a file, compared with nothing."""
    (file,) = scan_json(path, functions=functions)["files"]
    return file


def functions_of(path: Path) -> list[Any]:
    listed: list[Any] = scanned(path, functions=True)["functions"]
    return listed


@pytest.fixture(scope="module", params=by_tier(covering=["6.1", "7.2-pcrel"], full=KERNELS))
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """A guest of each kernel in turn, with every module of the lab that can be loaded."""
    booted = image(request.param)
    names = sorted({path.stem for path in booted.modules.glob("*.ko")} - {CRASHES})
    assert len(names) > 15
    # Those that patches replace functions of, and that others call, come first.
    names.sort(key=is_patch)
    names.sort(key=lambda name: name != "scsi_common")
    loads = [
        f"load-patch {name}" if is_patch(name) else f"insmod /modules/{name}.ko" for name in names
    ]

    def prepare(guest: Guest, folder: Path) -> None:
        for load in loads:
            guest.check(load)

    with saved_guest(
        "every-module", [loads, module_sources(names)], booted, prepare=prepare
    ) as guest:
        yield guest


class Kallsyms:
    """The guest's symbols, looked up as the kernel does for tracefs."""

    def __init__(self, guest: Guest) -> None:
        lines = (line.split() for line in guest.read("/proc/kallsyms").decode().splitlines())
        own = [(int(words[0], 16), words[2]) for words in lines if len(words) == 3]
        own.sort(key=lambda symbol: symbol[0])
        self._addresses = [address for address, _ in own]
        self._names = [name for _, name in own]

    def name(self, address: int) -> str:
        """Return the first symbol at the greatest address up to this one."""
        index = bisect.bisect_right(self._addresses, address) - 1
        return self._names[bisect.bisect_left(self._addresses, self._addresses[index])]


def available_functions(guest: Guest) -> list[str]:
    return guest.read("/sys/kernel/tracing/available_filter_functions").decode().splitlines()


def test_vmlinux_has_the_guests_traceable_functions(guest: Guest) -> None:
    available = Counter(line for line in available_functions(guest) if "[" not in line)
    kallsyms = Kallsyms(guest)
    traceable = [one for one in functions_of(guest.image.vmlinux) if one["kind"] in ("leaf", "toc")]
    places = {int(one["address"], 16) + one["site"]: one["section"] for one in traceable}
    found = Counter(kallsyms.name(site) for site, section in places.items() if section not in FREED)
    assert sum(found.values()) > 10000
    assert found - available == Counter()
    # What tracefs shows besides are sites in no function: the names before those, or none.
    dropped = [site for site in compiled_sites(guest.image.vmlinux).sites if site not in places]
    rest = Counter(
        {name: n for name, n in (available - found).items() if not name.startswith(INVALID)}
    )
    assert rest - Counter(map(kallsyms.name, dropped)) == Counter()


def test_every_module_has_the_guests_traceable_functions(guest: Guest) -> None:
    said: dict[str, list[str]] = {}
    for line in available_functions(guest):
        if line.endswith("]"):
            name, _, module = line.partition(" ")
            said.setdefault(module.strip("[]"), []).append(name)
    loaded = {line.split()[0] for line in guest.read("/proc/modules").decode().splitlines()}
    files = {path.stem.replace("-", "_"): path for path in guest.image.modules.glob("*.ko")}
    del files[CRASHES]
    assert files.keys() == loaded
    for module, path in files.items():
        found = [
            one["name"]  # in .init.text, too: powerpc's module loader keeps that
            for one in functions_of(path)
            if one["kind"] in ("leaf", "toc")
        ]
        assert sorted(found) == sorted(said.get(module, [])), module


@EVERY_KERNEL
def test_every_file_of_a_kernel(kernel: str) -> None:
    """Against a reader of the sites that shares no code with scan; objdump's offsets."""
    booted = image(kernel)
    shape = SHAPES[kernel]
    paths = [booted.vmlinux, *sorted(booted.modules.glob("*.ko"))]
    assert len(paths) > 10
    for path in paths:
        compiled = compiled_sites(path)
        file = scanned(path)
        counts = file["counts"]
        assert counts["leaf"] + counts["toc"] + file["sites_outside"] == len(compiled.sites)
        if path.stem == "seed_shape":
            assert shape.dialect in file["dialect"]
            assert "mprofile-kernel (3 instructions)" in file["dialect"]
            continue
        if compiled.sites:
            assert file["dialect"] == shape.dialect
        assert file["pcrel"] is (shape.toc_setup == "pcrel")
        for one in file["offsets"]:
            expected = shape.toc_offset if one["toc_setup"] else shape.leaf_offset
            assert one["offset"] == expected


@EVERY_KERNEL
def test_functions_named_by_their_source(kernel: str) -> None:
    """What the kernel's source says of these functions, in every version."""
    kinds = {one["name"]: one["kind"] for one in functions_of(image(kernel).vmlinux)}
    assert kinds["sched_clock"] == "notrace"
    assert kinds["memset"] == "no-site"  # assembler
    assert kinds["ftrace_set_filter"] == "no-site"  # CFLAGS_REMOVE_ftrace.o
    leaf_or_toc = "leaf" if kernel == "7.2-pcrel" else "toc"
    assert kinds["cmdline_proc_show"] == leaf_or_toc


@EVERY_KERNEL
def test_a_large_vmlinux_takes_seconds(kernel: str) -> None:
    vmlinux = image(kernel).vmlinux
    assert vmlinux.stat().st_size > 100 << 20
    start = time.monotonic()
    Scanner().scan([vmlinux], "warning", lambda name: None)
    # 0.3 s on an idle machine.
    assert time.monotonic() - start < 5


def test_a_folder_and_what_is_stripped() -> None:
    booted = image("6.1")
    document = klp_debug_json("scan", booted.modules, "--fail-on", "error", status=1)
    names = {Path(file["path"]).name for file in document["files"]}
    assert names == {path.name for path in booted.modules.glob("*.ko")}
    assert {one["id"] for one in document["hazards"] if one["level"] == "error"} == {
        "replacement-sibling-call"
    }
    ran = klp_debug_run("scan", booted.kernel.stripped)
    assert ran.status == 2
    assert ran.err.endswith("is stripped: it has no symbol table, so no functions to scan\n")
