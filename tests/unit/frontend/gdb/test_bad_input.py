# SPDX-License-Identifier: GPL-2.0-or-later
"""What GDB cannot be asked is one clear line."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Captured
from tests.support.cli import klp_debug_run, refusal
from tests.support.gdb_process import LOADER, gdb_run, this_python
from tests.support.program_stub import program_stub
from vmcores.host.newer_gdb import PYTHON, newer_gdb

NO_TARGET = "GDB has no target: `target remote` for QEMU's stub or KGDB, `core-file` for a vmcore"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("klp list", NO_TARGET),
        ("klp func", "klp func: the following arguments are required: NAME|ADDRESS"),
        ("klp list --nosuch", "klp: unrecognized arguments: --nosuch"),
        ("klp nosuch", 'Undefined klp command: "nosuch".  Try "help klp".'),
        ('p $klp_site("f")', NO_TARGET),
        ("klp scan /nosuch.ko", "/nosuch.ko: no such file"),
    ],
)
def test_one_line(line: str, said: str) -> None:
    ran = gdb_run(line)
    assert ran.out == ""
    assert ran.err.splitlines() == [said]


def test_a_user_space_program() -> None:
    ran = gdb_run("file /bin/true", "starti", "klp list", "kill")
    assert ran.err.splitlines()[-1] == (
        "GDB's target is i386:x86-64; klp-debug reads ppc64le Linux kernels"
    )


@pytest.mark.lab
def test_a_program_of_ppc64le(tmp_path: Path) -> None:
    with program_stub(tmp_path / "stub") as program:
        ran = gdb_run(f"file {program}", f"target remote {tmp_path}/stub", "klp list", "kill")
    assert (
        "GDB is connected neither to KGDB nor to the stub of a whole machine in QEMU 4.1 or later;"
        " klp-debug reads ppc64le Linux kernels"
    ) in ran.err.splitlines()


@pytest.mark.lab
def test_without_symbols(captured: Captured) -> None:
    core = captured("patched", "radix", "6.1").path("elf")
    ran = gdb_run(f"core-file {core}", "klp list")
    assert ran.err.splitlines()[-1] == "GDB has no symbols of a kernel: `file vmlinux` first"


@pytest.mark.lab
def test_symbols_of_another_build(captured: Captured) -> None:
    core = captured("patched", "radix", "6.1").path("elf")
    other = captured("patched", "radix", "6.12").image.vmlinux
    ran = gdb_run(f"core-file {core}", f"file {other}", "klp list")
    assert ran.err.splitlines()[-1].startswith(f"{other} is of another build: its build id is ")


@pytest.mark.lab
def test_symbols_that_gdb_has_not_loaded(captured: Captured) -> None:
    captures = captured("patched", "radix", "6.1")
    vmlinux, core = captures.image.vmlinux, captures.path("elf")
    ran = gdb_run(f"set klp symbols {vmlinux}", f"core-file {core}", "klp list")
    assert ran.out.endswith(klp_debug_run("list", "-c", core, "-s", vmlinux).out)


@pytest.mark.lab
def test_a_dump_that_gdb_misreads(captured: Captured) -> None:
    captures = captured("patched", "radix", "6.1")
    core = captures.path("qemu-elf")
    ran = gdb_run(f"file {captures.image.vmlinux}", f"core-file {core}", "klp list")
    assert ran.err.splitlines()[-1] == (
        f"GDB cannot read {core}, a memory dump of QEMU's; `klp-debug COMMAND --core` can"
    )


def test_auto_loaded(tmp_path: Path) -> None:
    """GDB finds it by the name of the file that it opens, as the kernel's own vmlinux-gdb.py."""
    (tmp_path / "true-gdb.py").symlink_to(LOADER)
    copy = tmp_path / "true"
    copy.write_bytes(Path("/bin/true").read_bytes())
    ran = gdb_run(f"add-auto-load-safe-path {tmp_path}", f"file {copy}", "klp list", loader=None)
    assert ran.err.splitlines()[-1] == NO_TARGET


def sourced(tmp_path: Path, before: str) -> str:
    """Source the loader behind Python code that makes GDB another one; return what it says."""
    script = tmp_path / "before.py"
    script.write_text(before)
    ran = gdb_run(f"source {script}", f"source {LOADER}", loader=None)
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") == 1
    return ran.err


def test_an_old_python(tmp_path: Path) -> None:
    said = sourced(tmp_path, "import sys; sys.version_info = (3, 9, 2, 'final', 0)\n")
    assert said == (
        "klp-debug: this GDB has Python 3.9, and klp-debug needs 3.11 or later: use another GDB\n"
    )


def test_another_python(tmp_path: Path) -> None:
    """Its packages would be elsewhere."""
    said = sourced(tmp_path, "import sys; sys.version_info = (3, 14, 0, 'final', 0)\n")
    assert said == (
        "klp-debug: drgn cannot be imported in this GDB, which has Python 3.14: install klp-debug"
        f" for that (here it is for Python {this_python()}), or use another GDB\n"
    )


def test_an_old_drgn(tmp_path: Path) -> None:
    old = (
        "import sys, types; drgn = types.ModuleType('drgn'); drgn.__version__ = '0.0.33'\n"
        "sys.modules['drgn'] = drgn\n"
    )
    assert sourced(tmp_path, old) == (
        "klp-debug: this is drgn 0.0.33, and 0.3.0 or later is needed\n"
    )


def klp_debug_gdb(*words: str, python: str = sys.executable) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [python, "-m", "klp_debug", "gdb", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_klp_debug_gdb() -> None:
    ran = klp_debug_gdb("-nx", "-q", "-batch", "-ex", "klp list", "-ex", "echo done\\n")
    assert ran.stderr == f"{NO_TARGET}\n"
    assert ran.stdout == "done\n"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 3.8", "has Python 3.8, and klp-debug runs in"),
        ("true", "has no Python: use a GDB that has Python"),
    ],
)
def test_klp_debug_gdb_with_another_gdb(tmp_path: Path, script: str, said: str) -> None:
    program = tmp_path / "gdb"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert said in refusal("gdb", "--gdb-program", program, "vmlinux")


@pytest.mark.lab
def test_klp_debug_gdb_with_a_newer_gdb() -> None:
    """From our Python it is refused, from its own it works."""
    gdb = newer_gdb()
    ran = klp_debug_gdb("--gdb-program", str(gdb.gdb), "-nx", "-batch")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        f"klp-debug: {gdb.gdb} has Python {PYTHON}, and klp-debug runs in {this_python()}: install"
        f" klp-debug for Python {PYTHON}, or name a GDB with {this_python()} by --gdb-program\n"
    )
    ran = klp_debug_gdb("-nx", "-q", "-batch", "-ex", "klp list", python=str(gdb.python))
    assert ran.stderr == f"{NO_TARGET}\n"


def test_klp_debug_gdb_without_gdb() -> None:
    said = refusal("gdb", "--gdb-program", "/nosuch/gdb")
    assert said.startswith("klp-debug: /nosuch/gdb cannot be started (No such file")
