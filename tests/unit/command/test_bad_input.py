# SPDX-License-Identifier: GPL-2.0-or-later
"""Input that cannot be used: one clear sentence on stderr, exit code 2, nothing on stdout."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from klp_debug.command import COMMANDS
from klp_debug.command.command import Command
from tests.support.cli import klp_debug_run, refusal
from tests.support.made_core import VMCOREINFO, elf


def test_no_arguments() -> None:
    ran = klp_debug_run()
    assert ran.status == 2
    assert "usage: klp-debug" in ran.err


def test_no_target() -> None:
    assert "name one target" in refusal("list")


def test_two_targets() -> None:
    assert "name one target" in refusal("list", "-c", "vmcore", "--qemu", "socket")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help(command: Command) -> None:
    ran = klp_debug_run(command.name, "--help")
    assert ran.status == 0
    assert "exit codes:" in ran.out
    assert ("--symbols" in ran.out) is command.needs_target
    for name in command.formats:
        assert f"--{name}" in ran.out


def test_no_such_core(tmp_path: Path) -> None:
    assert "no such file" in refusal("list", "-c", tmp_path / "vmcore")


def test_not_a_core(tmp_path: Path) -> None:
    core = tmp_path / "vmcore"
    core.write_text("hello\n")
    assert "is not a core" in refusal("list", "-c", core)


def test_a_core_without_a_kernel(tmp_path: Path) -> None:
    core = tmp_path / "vmcore"
    core.write_bytes(elf())
    assert "no vmcoreinfo" in refusal("list", "-c", core)


def test_a_process_core_of_this_machine(tmp_path: Path) -> None:
    """A real core of another architecture, as GDB writes it of a running process."""
    if shutil.which("gdb-multiarch") is None:
        pytest.skip("gdb-multiarch is not installed")
    core = tmp_path / "core"
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            subprocess.run(
                [
                    "gdb-multiarch",
                    "-nx",
                    "-batch",
                    "-p",
                    str(sleeper.pid),
                    "-ex",
                    f"generate-core-file {core}",
                ],
                check=True,
                capture_output=True,
            )
        finally:
            sleeper.kill()
    if os.uname().machine == "x86_64":
        assert "another architecture (x86-64)" in refusal("list", "-c", core)
    else:
        refusal("list", "-c", core)


def test_no_such_symbols(tmp_path: Path) -> None:
    core = tmp_path / "vmcore"
    core.write_bytes(elf(notes=VMCOREINFO))
    assert "no such file" in refusal("list", "-c", core, "-s", tmp_path / "vmlinux")


def test_symbols_of_this_machine(tmp_path: Path) -> None:
    assert "is no ppc64le kernel or module" in refusal(
        "list", "-c", tmp_path / "vmcore", "-s", os.path.realpath(sys.executable)
    )


def test_running_kernel_of_another_architecture() -> None:
    if os.uname().machine == "ppc64le":
        pytest.skip("this machine is one")
    assert f"this machine's own kernel is {os.uname().machine}" in refusal("list", "-k")


def test_no_vmcoreinfo_file(tmp_path: Path) -> None:
    core = tmp_path / "vmcore"
    core.write_bytes(elf())
    assert "no such file" in refusal("list", "-c", core, "--vmcoreinfo", tmp_path / "none").lower()


def test_vmcoreinfo_of_something_else(tmp_path: Path) -> None:
    core = tmp_path / "vmcore"
    core.write_bytes(elf())
    text = tmp_path / "vmcoreinfo"
    text.write_text("hello\n")
    assert "no OSRELEASE" in refusal("list", "-c", core, "--vmcoreinfo", text)


def test_nothing_listens(tmp_path: Path) -> None:
    path = str(tmp_path / "qmp")
    with socket.socket(socket.AF_UNIX) as unused:
        unused.bind(path)
    assert path in refusal("list", "--qemu", path)


def test_no_such_port() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert "refused" in refusal("list", "--qemu", f"127.0.0.1:{port}")


def test_no_such_socket(tmp_path: Path) -> None:
    assert "No such file" in refusal("list", "--qemu", tmp_path / "qmp")


def test_something_else_listens(tmp_path: Path) -> None:
    path = str(tmp_path / "qmp")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert path in refusal("list", "--qemu", path)
        thread.join()


def test_no_permission(tmp_path: Path) -> None:
    """Permission is refused to a user who is not root, so the test needs another user."""
    core = tmp_path / "vmcore"
    core.write_bytes(elf(notes=VMCOREINFO))
    core.chmod(0)
    program = (
        "import os, sys;"
        "from pathlib import Path;"
        "from klp_debug.frontend.cli import main;"
        f"os.chdir({str(tmp_path)!r});"
        "main(['list', '-c', 'none']);"  # what is imported late must be there before
        "os.geteuid() or os.setresuid(65534, 65534, 65534);"
        "sys.exit(main(['list', '-c', 'vmcore']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "klp-debug: vmcore: Permission denied"
