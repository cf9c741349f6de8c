# SPDX-License-Identifier: GPL-2.0-or-later
"""The drgn plugin, in real drgn: programs that are none of its business, drgn that is too old."""

import os
import subprocess
import sys

from klp_debug.command import COMMANDS
from tests.support.command_lines import LINES
from tests.support.drgn_cli import BIN, drgn_run


def test_every_command_is_tried() -> None:
    assert set(LINES) == {command.name for command in COMMANDS}


def test_a_user_space_program() -> None:
    """Silent until it is used, then one line."""
    child = subprocess.Popen(["sleep", "60"])
    try:
        code = "from drgn.commands import run_command\nprint(prog.flags)\n{}"
        pid = str(child.pid)
        silent = drgn_run("-q", "-p", pid, "-e", code.format(""))
        assert (silent.status, silent.err) == (0, "")
        used = drgn_run("-q", "-p", pid, "-e", code.format("run_command(prog, 'klp list')"))
    finally:
        child.kill()
        child.wait()
    assert used.err.splitlines()[-1] == (
        f"drgn.commands.CommandError: this program is no kernel but a process of {machine()};"
        " klp-debug reads ppc64le Linux kernels"
    )


def machine() -> str:
    return os.uname().machine.replace("_", "-")


OLD = """
import sys, drgn
class NoCommands:
    def find_spec(self, name, path=None, target=None):
        if name == "drgn.commands":
            raise ImportError(name)
sys.meta_path.insert(0, NoCommands())
drgn.__version__ = "0.0.33"
"""
"""Makes drgn an older one, without commands."""
TOO_OLD = "klp-debug: this is drgn 0.0.33, and 0.3.0 or later is needed\n"


def test_an_old_drgn_is_told_by_the_plugin() -> None:
    """Not of programs that are none of its business."""
    use = """
from drgn import Architecture, Platform, PlatformFlags, Program
from klp_debug.frontend.drgn_plugin import drgn_prog_set
little = PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN
drgn_prog_set(Program(Platform(Architecture.X86_64)))
drgn_prog_set(Program(Platform(Architecture.PPC64, little)))
"""
    ran = subprocess.run(
        [sys.executable, "-c", OLD + use], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stderr == TOO_OLD


def test_an_old_drgn_is_told_by_the_shell() -> None:
    use = "from klp_debug.__main__ import main; sys.exit(main())"
    ran = subprocess.run(
        [sys.executable, "-c", OLD + use], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (2, TOO_OLD)


def test_loading_the_plugin_is_cheap() -> None:
    """Every drgn session on this machine loads it."""
    code = (
        "import sys; import klp_debug.frontend.drgn_plugin;"
        "print([name for name in ('numpy', 'capstone', 'elftools', 'rich') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout == "[]\n"


def test_a_mistyped_command() -> None:
    code = "from drgn.commands import run_command; run_command(prog, 'klp lst')"
    ran = drgn_run("-q", "-p", "0", "-e", code)
    assert ran.err.splitlines()[-1] == (
        "drgn.commands.CommandArgumentError: klp: error: no command lst: did you mean 'list'?"
    )


def test_drgn_finds_it() -> None:
    assert (BIN / "drgn").exists()
    code = "from drgn.commands import run_command; print(run_command(prog, 'klp --help'))"
    ran = drgn_run("-q", "-p", "0", "-e", code)
    assert ran.status == 0, ran.err
    assert ran.out.startswith("usage: klp [-h] COMMAND")
