# SPDX-License-Identifier: GPL-2.0-or-later
"""What GDB cannot be asked of a capture or of a program of ppc64le is one clear line."""

from pathlib import Path

import pytest

from tests.conftest import Captured
from tests.support.cli import klp_debug_run
from tests.support.gdb_process import NO_TARGET, gdb_run, klp_debug_gdb, this_python
from tests.support.program_stub import program_stub
from vmcores.host.newer_gdb import PYTHON, newer_gdb

pytestmark = pytest.mark.lab


def test_a_program_of_ppc64le(tmp_path: Path) -> None:
    with program_stub(tmp_path / "stub") as program:
        ran = gdb_run(f"file {program}", f"target remote {tmp_path}/stub", "klp list", "kill")
    assert (
        "GDB is connected neither to KGDB nor to the stub of a whole machine in QEMU 4.1 or later;"
        " klp-debug reads ppc64le Linux kernels"
    ) in ran.err.splitlines()


def test_without_symbols(captured: Captured) -> None:
    core = captured("patched", "radix", "6.1").path("elf")
    ran = gdb_run(f"core-file {core}", "klp list")
    assert ran.err.splitlines()[-1] == "GDB has no symbols of a kernel: `file vmlinux` first"


def test_symbols_of_another_build(captured: Captured) -> None:
    core = captured("patched", "radix", "6.1").path("elf")
    other = captured("patched", "radix", "6.12").image.vmlinux
    ran = gdb_run(f"core-file {core}", f"file {other}", "klp list")
    assert ran.err.splitlines()[-1].startswith(f"{other} is of another build: its build id is ")


def test_symbols_that_gdb_has_not_loaded(captured: Captured) -> None:
    captures = captured("patched", "radix", "6.1")
    vmlinux, core = captures.image.vmlinux, captures.path("elf")
    ran = gdb_run(f"set klp symbols {vmlinux}", f"core-file {core}", "klp list")
    assert ran.out.endswith(klp_debug_run("list", "-c", core, "-s", vmlinux).out)


def test_a_dump_that_gdb_misreads(captured: Captured) -> None:
    captures = captured("patched", "radix", "6.1")
    core = captures.path("qemu-elf")
    ran = gdb_run(f"file {captures.image.vmlinux}", f"core-file {core}", "klp list")
    assert ran.err.splitlines()[-1] == (
        f"GDB cannot read {core}, a memory dump of QEMU's; `klp-debug COMMAND --core` can"
    )


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
