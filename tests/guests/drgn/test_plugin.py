# SPDX-License-Identifier: GPL-2.0-or-later
"""The drgn plugin, in real drgn: its prompt, its crash mode, its command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from klp_debug.command import COMMANDS
from tests.conftest import Captured, Played
from tests.support.cli import klp_debug_json, klp_debug_run
from tests.support.command_lines import LINES
from tests.support.drgn_cli import Prompt, drgn_run, prompt
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab


def target(captures: CaptureSet, kind: str) -> tuple[str | Path, ...]:
    return "-c", captures.path(kind), "-s", captures.image.vmlinux


@pytest.fixture(scope="module")
def crashed(captured: Captured) -> CaptureSet:
    return captured("seed_crash", "radix", "6.1")


@pytest.fixture(scope="module")
def session(
    crashed: CaptureSet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Prompt, tuple[str | Path, ...]]]:
    words = target(crashed, "kdump")
    with pytest.MonkeyPatch.context() as here:
        # Where journals are, in drgn's home of its own and in ours.
        here.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        with prompt(tmp_path_factory.mktemp("home"), *words) as drgn:
            yield drgn, words


Session = tuple[Prompt, tuple[str | Path, ...]]


@pytest.mark.full  # on another dump, with GDB and the console: frontends/test_four_ways.py
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
@pytest.mark.parametrize("json_", ["", " --json"], ids=["text", "json"])
def test_the_answer_is_the_shells(
    session: Session, crashed: CaptureSet, line: str, json_: str, tmp_path: Path
) -> None:
    drgn, words = session
    if line.startswith("scan"):
        line, words = line.replace("VMLINUX", str(crashed.image.vmlinux)), ()
    shell = klp_debug_run(*f"{line}{json_}".split(), *words)
    assert shell.out.count("\n") > 3
    assert drgn(f"%klp {line}{json_} > {tmp_path}/out") == ""
    assert (tmp_path / "out").read_text() == shell.out


def test_it_prints_to_the_terminal_and_to_a_pipe(session: Session) -> None:
    drgn, words = session
    shell = klp_debug_run("list", *words).out
    assert drgn("%klp list") == shell
    assert drgn("%klp list | tail -n 1") == shell.splitlines(keepends=True)[-1]


def test_the_answer_is_there_as_an_object(session: Session, crashed: CaptureSet) -> None:
    drgn, _ = session
    drgn("%klp list")
    names = drgn("print(*sorted(patch.name for patch in _))")
    assert names.split() == sorted(patch.name for patch in crashed.oracle.patches)


def test_help(session: Session) -> None:
    drgn, _ = session
    overview = drgn("%klp")
    assert overview == drgn("%klp --help")
    for command in COMMANDS:
        assert f"\n    {command.name}" in overview
        told = drgn(f"%klp {command.name} --help")
        assert told.startswith(f"usage: klp {command.name} ")
        assert command.description.split()[-1] in told
        assert "--core" not in told  # the target is drgn's


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("func nosuch", "drgn: error: no function nosuch in this kernel"),
        ("bt nosuch", "drgn: error: no task nosuch"),
        ("nosuch", "drgn: klp: error: argument COMMAND: invalid choice: 'nosuch'"),
        ("func", "drgn: klp func: error: the following arguments are required: NAME|ADDRESS"),
    ],
    ids=["function", "task", "command", "argument"],
)
def test_what_cannot_be_answered_is_one_line(session: Session, line: str, said: str) -> None:
    drgn, _ = session
    lines = drgn(f"%klp {line}").splitlines()
    assert lines[-1].startswith(said)
    assert len([one for one in lines if not one.startswith("usage: ")]) == 1


@pytest.mark.parametrize(
    ("mmu", "kernel", "kind", "added"),
    [
        ("radix", "6.1", "kdump", "kdump vmcore (radix MMU)"),
        ("radix", "6.1", "elf", None),
        ("hash", "6.1", "kdump", "kdump vmcore (hash MMU)"),
        ("hash", "6.1", "elf", "ELF vmcore (hash MMU)"),
        ("radix", "6.1-4k", "kdump", "kdump vmcore (radix MMU)"),
        ("hash", "6.1-4k", "kdump", "kdump vmcore (hash MMU)"),
        ("radix", "7.2", "kdump", "kdump vmcore (radix MMU)"),
    ],
)
def test_drgn_opens_it(
    captured: Captured, mmu: str, kernel: str, kind: str, added: str | None
) -> None:
    """drgn's own helper lists the modules that the guest named, and it is said once how."""
    captures = captured("patched", mmu, kernel)
    code = (
        "print(*sorted(module.name.string_().decode() for module in for_each_module()));"
        "print(prog['klp_patches'].next.value_())"
    )
    ran = drgn_run(*target(captures, kind), "-e", code)
    assert ran.status == 0, ran.err
    names, address = ran.out.splitlines()
    assert names.split() == sorted(module.name for module in captures.oracle.modules)
    (first,) = (
        patch
        for patch in klp_debug_json("list", *target(captures, kind))["patches"]
        if patch["stack_order"] == 1
    )
    # klp_patch.list is somewhere in its structure.
    assert 0 <= int(address) - int(first["address"], 16) < 0x200
    said = [line for line in ran.err.splitlines() if line.startswith("klp-debug: ")]
    expected = [f"klp-debug: translates the kernel addresses of this {added} for drgn"]
    assert said == (expected if added else [])


def test_without_the_plugin_drgn_does_not(captured: Captured) -> None:
    """What the plugin adds is missing indeed."""
    captures = captured("patched", "hash", "6.1")
    code = "print(len(list(for_each_module())))"
    ran = drgn_run(*target(captures, "elf"), "-e", code, DRGN_DISABLE_PLUGINS="klp_debug")
    assert ran.status != 0
    assert "only supported for Radix MMU" in ran.err


def test_quiet(crashed: CaptureSet) -> None:
    ran = drgn_run(
        "--quiet", *target(crashed, "kdump"), "-e", "print(len(list(for_each_module())))"
    )
    assert (ran.status, ran.err) == (0, "")


@pytest.mark.parametrize("mmu", ["radix", "hash"])
def test_a_running_guest(played: Played, mmu: str) -> None:
    """drgn sees physical memory alone there: QEMU tells no vmcoreinfo of this machine."""
    guest, _ = played("patched", mmu, "6.1")
    words = "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux
    code = "from drgn.commands import run_command; run_command(prog, 'klp list --json')"
    ran = drgn_run(*words, "-e", code)
    assert ran.status == 0, ran.err
    assert json.loads(ran.out) == klp_debug_json("list", *words)
    assert f"klp-debug: translates the kernel addresses of this QEMU guest ({mmu} MMU)" in ran.err


def test_a_qemu_dump_is_opened_by_another_door(captured: Captured) -> None:
    path = captured("patched", "radix", "6.1").path("qemu-elf")
    assert drgn_run("-c", path).err.splitlines()[0] == (
        f"klp-debug: drgn cannot read {path}, a memory dump of QEMU's: `klp-debug drgn` can, and"
        " gives you drgn's prompt for it"
    )


@pytest.mark.parametrize("kind", ["qemu-elf", "qemu-kdump"])
def test_klp_debug_drgn(captured: Captured, kind: str, tmp_path: Path) -> None:
    captures = captured("patched", "radix", "6.1")
    words = target(captures, kind)
    with prompt(tmp_path, "drgn", *words, program="klp-debug") as drgn:
        assert drgn("%klp list") == klp_debug_run("list", *words).out
        names = drgn(
            "print(*sorted(module.name.string_().decode() for module in for_each_module()))"
        )
    assert names.split() == sorted(module.name for module in captures.oracle.modules)


def test_klp_debug_drgn_with_a_script(crashed: CaptureSet, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:], prog['klp_patches'].type_.type_name())\n")
    ran = klp_debug_run("drgn", *target(crashed, "kdump"), script, "one", "--two")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == "['one', '--two'] struct list_head\n"
    ran = klp_debug_run("drgn", *target(crashed, "kdump"), tmp_path / "absent.py")
    assert (ran.status, ran.err) == (2, f"klp-debug: {tmp_path}/absent.py: no such script\n")


def test_crash_mode(crashed: CaptureSet, tmp_path: Path) -> None:
    words = target(crashed, "kdump")
    shell = klp_debug_run("list", *words).out
    files = crashed.image.vmlinux, crashed.path("kdump")
    with prompt(tmp_path, *files, program="drgn-crash") as crash:
        crash("set scroll off")
        assert crash("klp list") == shell
        assert crash("klp list | tail -n 1") == shell.splitlines(keepends=True)[-1]
        assert crash("klp func nosuch") == (
            "drgn: crash: error: no function nosuch in this kernel\n"
        )
        assert "show what a ppc64le kernel really runs" in crash("help klp")
        assert "klp" in crash("help").split()
        crash.complete("kl", "klp")
