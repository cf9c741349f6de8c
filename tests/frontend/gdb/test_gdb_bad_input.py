# SPDX-License-Identifier: GPL-2.0-or-later
"""What GDB looks at is no kernel of ours, or GDB itself is not one that can: a line each."""

from pathlib import Path

from tests.frontend.gdb.gdb_cli import PLUGIN, gdb_run, prompt


def test_no_target() -> None:
    ran = gdb_run("klp list", "complete klp func int_to", "p $klp_status")
    assert ran.err == (
        "GDB has no target: `target remote` for QEMU's stub or KGDB, `core-file` for a vmcore\n"
    )
    assert ran.out == "$1 = 2\n"


def test_unknown_command() -> None:
    assert gdb_run("klp nonesuch").err == 'Undefined klp command: "nonesuch".  Try "help klp".\n'


def test_a_process_of_this_machine() -> None:
    ran = gdb_run("file /bin/true", "starti", "klp list", "kill", program="gdb")
    assert ran.err.splitlines()[-1] == (
        "GDB's target is i386:x86-64; klp-debug reads ppc64le Linux kernels"
    )


def test_without_what_it_needs(tmp_path: Path) -> None:
    ran = gdb_run(f"source {alone(tmp_path)}", "klp list", source=False)
    complaint, undefined = ran.err.splitlines()
    assert complaint.startswith(
        "klp-debug: drgn cannot be imported in this GDB, which has Python 3."
    )
    assert complaint.endswith(": install klp-debug for that, or use another GDB")
    assert undefined.startswith('Undefined command: "klp".')


def test_installed_for_another_python(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "lib" / "python3.99" / "site-packages").mkdir(parents=True)
    ran = gdb_run(f"source {alone(tmp_path)}", source=False)
    (complaint,) = ran.err.splitlines()
    assert "install klp-debug for that (here it is for Python 3.99), or use another" in complaint


def alone(root: Path) -> Path:
    """Return the plugin of a checkout in which nothing else is."""
    path = root / "klp_debug" / "frontend" / "gdb" / "klp.py"
    path.parent.mkdir(parents=True)
    path.write_text(PLUGIN.read_text())
    return path


def test_drgn_is_too_old(tmp_path: Path) -> None:
    package = tmp_path / "drgn"
    package.mkdir()
    (package / "__init__.py").write_text('__version__ = "0.2.1"\n')
    ran = gdb_run(variables={"PYTHONPATH": str(tmp_path)})
    assert ran.err == "klp-debug: this is drgn 0.2.1, and 0.3.0 or later is needed\n"


def test_an_empty_line_repeats_what_reads_and_nothing_else() -> None:
    with prompt() as gdb:
        again = "GDB has no target"
        assert again in gdb("klp list")
        assert again in gdb("")
        for command in ("disarm p", "arm p", "undo"):
            assert again in gdb(f"klp {command}")
            assert gdb("") == ""
