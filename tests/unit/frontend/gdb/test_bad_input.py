# SPDX-License-Identifier: GPL-2.0-or-later
"""What GDB cannot be asked is one clear line."""

from pathlib import Path

import pytest

from tests.support.cli import refusal
from tests.support.gdb_process import LOADER, NO_TARGET, gdb_run, klp_debug_gdb, this_python


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


def test_klp_debug_gdb_without_gdb() -> None:
    said = refusal("gdb", "--gdb-program", "/nosuch/gdb")
    assert said.startswith("klp-debug: /nosuch/gdb cannot be started (No such file")
