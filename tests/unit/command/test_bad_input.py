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
from elftools.elf.elffile import ELFFile

from klp_debug.command import COMMANDS
from klp_debug.command.command import Command
from tests.conftest import Captured
from tests.support.cli import klp_debug_json, klp_debug_run, refusal
from tests.support.made_core import VMCOREINFO, elf
from vmcores.scenarios.capture import CaptureSet


@pytest.fixture
def patched(captured: Captured) -> CaptureSet:
    return captured("patched", "radix")


# what needs no lab


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


# what needs real captures


@pytest.mark.lab
def test_vmlinux_of_another_build(patched: CaptureSet, captured: Captured) -> None:
    other = captured("nolivepatch").image.vmlinux
    message = refusal("list", "-c", patched.path("kdump"), "-s", other)
    assert str(other) in message
    assert patched.oracle.build_id in message
    assert captured("nolivepatch").oracle.build_id in message


@pytest.mark.lab
def test_vmlinux_without_dwarf(patched: CaptureSet) -> None:
    stripped = patched.image.kernel.stripped
    message = refusal("list", "-c", patched.path("kdump"), "-s", stripped)
    assert "has no DWARF debugging information" in message


@pytest.mark.lab
def test_no_vmlinux(patched: CaptureSet, tmp_path: Path) -> None:
    message = refusal("list", "-c", patched.path("kdump"), "-s", tmp_path)
    assert "name its vmlinux by --symbols" in message


@pytest.mark.lab
@pytest.mark.parametrize("kind", ["kdump", "elf", "qemu-elf", "qemu-kdump"])
@pytest.mark.parametrize("keep", [0.0001, 0.5, 0.9999])
def test_truncated(patched: CaptureSet, tmp_path: Path, kind: str, keep: float) -> None:
    whole = patched.path(kind)
    core = tmp_path / "vmcore"
    with whole.open("rb") as source, core.open("wb") as cut:
        left = int(whole.stat().st_size * keep)
        while left:
            chunk = source.read(min(left, 1 << 20))
            if chunk.count(0) == len(chunk):
                cut.seek(len(chunk), os.SEEK_CUR)  # keeps the copy sparse
            else:
                cut.write(chunk)
            left -= len(chunk)
        cut.truncate(int(whole.stat().st_size * keep))
    message = refusal("list", "-c", core, "-s", patched.image.vmlinux)
    assert "truncated" in message


@pytest.mark.lab
@pytest.mark.parametrize("command", [["list"], ["func", "cmdline_proc_show"]])
def test_kernel_without_livepatch(captured: Captured, command: list[str]) -> None:
    captures = captured("nolivepatch")
    message = refusal(*command, "-c", captures.path("kdump"), "-s", captures.image.vmlinux)
    assert "built without CONFIG_LIVEPATCH" in message
    assert captures.oracle.release in message


@pytest.mark.lab
@pytest.mark.parametrize("command", ["report", "audit", "ops"])
def test_kernel_without_ftrace(captured: Captured, command: str) -> None:
    """What does not need livepatch answers, and says what it could not look at."""
    captures = captured("nolivepatch")
    target = ("-c", captures.path("kdump"), "-s", captures.image.vmlinux)
    problems = klp_debug_json(command, *target, status=1)["problems"]
    assert {"where": "ftrace_ops_list", "what": "this kernel has no ftrace_list_end"} in problems
    assert "ftrace records" in [problem["where"] for problem in problems]


@pytest.mark.lab
def test_no_patch_loaded_is_fine(captured: Captured) -> None:
    captures = captured("unpatched")
    target = ("-c", captures.path("kdump"), "-s", captures.image.vmlinux)
    ran = klp_debug_run("list", *target)
    assert (ran.status, ran.err) == (0, "")
    assert "no live patch is loaded" in ran.out
    assert klp_debug_json("list", *target)["patches"] == []


@pytest.mark.lab
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nosuch_function", "no function nosuch_function"),
        ("0x10", "is not mapped"),
        ("scsi_mod:int_to_scsilun", "no function int_to_scsilun in scsi_mod"),
        ("jiffies", "no function jiffies"),
    ],
)
def test_no_such_function(patched: CaptureSet, name: str, says: str) -> None:
    message = refusal("func", name, "-c", patched.path("kdump"), "-s", patched.image.vmlinux)
    assert says in message


@pytest.mark.lab
def test_corrupted_structure_is_a_finding(patched: CaptureSet, tmp_path: Path) -> None:
    """A capture whose list of patches leads nowhere: the rest is shown, and the exit code is 1."""
    core = tmp_path / "vmcore"
    subprocess.run(["cp", "--sparse=always", patched.path("elf"), core], check=True)
    # vmlinux's data lies in the linear map: its physical address is below 0xc000...
    physical = patched.oracle.address("klp_patches") & ~(0xC << 60)
    with core.open("r+b") as file:
        (segment,) = (
            segment.header
            for segment in ELFFile(file).iter_segments("PT_LOAD")
            if segment["p_paddr"] <= physical < segment["p_paddr"] + segment["p_filesz"]
        )
        file.seek(segment["p_offset"] + physical - segment["p_paddr"])
        file.write(b"\x08\x00\xff\xff\x00\x08\x00\xc0")
    target = ("-c", core, "-s", patched.image.vmlinux)
    ran = klp_debug_run("list", *target)
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.startswith(f"Linux {patched.oracle.release} ppc64le")
    assert "no live patch could be read" in ran.out
    assert "list klp_patches" in ran.out
    assert klp_debug_json("list", *target, status=1)["problems"]
