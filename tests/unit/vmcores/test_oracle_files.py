# SPDX-License-Identifier: GPL-2.0-or-later
"""The oracle's parsers, on literal text of guests."""

import struct
from pathlib import Path

import pytest

from vmcores.errors import GuestError
from vmcores.oracle import oracle_files
from vmcores.oracle.oracle import (
    EnabledFunction,
    Module,
    Oracle,
    Patch,
    PatchedObject,
    Symbol,
    Task,
)

LIVEPATCH = """\
./
./cmdline_patch_1/
./cmdline_patch_1/enabled 1
./cmdline_patch_1/transition 0
./cmdline_patch_1/vmlinux/
./cmdline_patch_1/vmlinux/cmdline_proc_show,1/
./cmdline_patch_1/vmlinux/patched 1
./leaf_patch/
./leaf_patch/enabled 0
./leaf_patch/scsi_common/
./leaf_patch/scsi_common/int_to_scsilun,1/
./leaf_patch/scsi_common/scsi_set_sense_information,2/
./leaf_patch/transition 1
"""


# As grep tells it: by file first. Task 62 has ended in between.
TASKS = """\
1/comm:my init
61/comm:cat
62/comm:grep
1/stat:1 (my init) S 0 1 1 0
61/stat:61 (cat) D 1 60 60 0
1/patch_state:1
61/patch_state:0
61/stack:[<0>] __switch_to+0x108/0x1a0
61/stack:[<0>] leaf_probe_wait_here+0xb8/0x120 [leaf_probe]
"""


def test_livepatch() -> None:
    first, second = oracle_files.parse_livepatch(LIVEPATCH)
    assert first == Patch(
        name="cmdline_patch_1",
        enabled=True,
        transition=False,
        objects=(PatchedObject("vmlinux", patched=True, functions=("cmdline_proc_show,1",)),),
    )
    assert not second.enabled
    assert second.transition
    # Kernels before 6.1 have no file 'patched'.
    assert second.objects[0].patched is None
    assert second.functions() == {
        ("scsi_common", "int_to_scsilun"),
        ("scsi_common", "scsi_set_sense_information"),
    }


@pytest.mark.parametrize("text", ["", "./\n"])
def test_livepatch_without_patch(text: str) -> None:
    assert oracle_files.parse_livepatch(text) == ()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cmdline_proc_show (1)   I  ", EnabledFunction("cmdline_proc_show", None, 1, "I")),
        (
            "int_to_scsilun [scsi_common] (2) R I D",
            EnabledFunction("int_to_scsilun", "scsi_common", 2, "RID"),
        ),
        (
            "schedule (1) R    \ttramp: 0xffffffffa0000000 (klp_ftrace_handler+0x0/0x200)",
            EnabledFunction("schedule", None, 1, "R"),
        ),
        (
            "vfs_read (1)          \tops: klp (Klp)",
            EnabledFunction("vfs_read", None, 1, ""),
        ),
    ],
)
def test_enabled_functions(line: str, expected: EnabledFunction) -> None:
    assert oracle_files.parse_enabled_functions(line + "\n") == (expected,)


def test_enabled_functions_skips_details() -> None:
    text = "schedule (1)     D\n\tdirect-->my_tramp+0x0/0x10\n"
    assert [f.name for f in oracle_files.parse_enabled_functions(text)] == ["schedule"]


def test_kallsyms() -> None:
    text = "c000000000000000 T _stext\nc008000000140000 t int_to_scsilun\t[scsi_common]\n"
    assert oracle_files.parse_kallsyms(text) == (
        Symbol(0xC000000000000000, "T", "_stext", None),
        Symbol(0xC008000000140000, "t", "int_to_scsilun", "scsi_common"),
    )


def test_modules() -> None:
    text = (
        "leaf_patch 262144 1 - Live 0xc0080000002c0000 (OK)\n"
        "scsi_common 262144 1 leaf_probe, Live 0xc008000000140000\n"
    )
    assert oracle_files.parse_modules(text) == (
        Module("leaf_patch", 262144, 0xC0080000002C0000, "OK"),
        Module("scsi_common", 262144, 0xC008000000140000, ""),
    )


def test_tasks() -> None:
    assert oracle_files.parse_tasks(TASKS) == (
        Task(1, "my init", "S", 1, ()),
        Task(61, "cat", "D", 0, ("__switch_to", "leaf_probe_wait_here [leaf_probe]")),
    )


def test_tasks_of_a_kernel_without_livepatch() -> None:
    text = "7/comm:kworker/0:1-events\n7/stat:7 (kworker/0:1-events) I 2 0\n"
    assert oracle_files.parse_tasks(text) == (Task(7, "kworker/0:1-events", "I", None, ()),)


def test_log() -> None:
    text = "[    7.012345] livepatch: enabling patch 'leaf_patch'\n"
    assert oracle_files.parse_log(text) == ("livepatch: enabling patch 'leaf_patch'",)


def test_mmu() -> None:
    assert oracle_files.parse_mmu("platform\t: pSeries\nMMU\t\t: Hash\n") == "hash"
    with pytest.raises(ValueError, match="no MMU line"):
        oracle_files.parse_mmu("platform : pSeries\n")


def test_page_size() -> None:
    assert oracle_files.parse_page_size(struct.pack("<6Q", 16, 5, 6, 65536, 0, 0)) == 65536


def test_build_id() -> None:
    other = struct.pack("<III", 6, 4, 0) + b"Linux\0\0\0" + bytes(4)
    build_id = struct.pack("<III", 4, 4, 3) + b"GNU\0" + b"\xde\xad\xbe\xef"
    assert oracle_files.parse_build_id(other + build_id) == "deadbeef"
    with pytest.raises(ValueError, match="no GNU build id"):
        oracle_files.parse_build_id(other)


def test_unreadable_oracle(tmp_path: Path) -> None:
    with pytest.raises(GuestError, match="cannot be read"):
        oracle_files.read_oracle(tmp_path)


def test_json_round_trip(tmp_path: Path) -> None:
    oracle = Oracle(
        release="6.1.0",
        build_id="00ff",
        mmu="radix",
        page_size=65536,
        patches=oracle_files.parse_livepatch(LIVEPATCH),
        enabled_functions=(EnabledFunction("a", None, 1, "I"),),
        modules=(Module("m", 1, 2, ""),),
        tasks=(Task(1, "init", "S", 0, ("f",)),),
        leaf_probe="",
        cmdline="x\n",
        log=("livepatch: y",),
        kallsyms=(Symbol(1, "t", "f", "m"), Symbol(2, "t", "g", None), Symbol(3, "t", "g", None)),
    )
    oracle.save(tmp_path / "oracle.json")
    assert Oracle.load(tmp_path / "oracle.json") == oracle
    assert oracle.address("f", "m") == 1
    with pytest.raises(KeyError, match="2 symbols"):
        oracle.address("g")
    assert oracle.patch("leaf_patch").transition
