# SPDX-License-Identifier: GPL-2.0-or-later
"""The parser of oopses, on literal text of every lab kernel's console."""

import re
from pathlib import Path

import pytest

from vmcores.errors import GuestError
from vmcores.oracle.oops import Called, parse_oops

FOLDER = Path(__file__).with_name("oopses")


def text(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text()


def test_all_of_one() -> None:
    oops = parse_oops("[    1.000000] Run /init as init process\nlab: booted\n" + text("6.1"))
    assert oops is not None
    assert oops.message == "BUG: Kernel NULL pointer dereference on write at 0x00000010"
    assert (oops.trap, oops.cpu, oops.pid, oops.comm) == (0x300, 1, 129, "cat")
    assert oops.nip == oops.gprs[12] + 0x24 == 0xC00800000019002C
    assert oops.nip_symbol == "crashing_leaf_probe_wait_here+0x24/0x2c [crash_patch]"
    assert oops.lr == oops.gprs[0] == 0xC00000000005DA6C
    assert oops.lr_symbol == "livepatch_handler+0x30/0x64"
    assert oops.ctr == 0xC008000000190008
    assert oops.dar == oops.gprs[10] == 0x10
    assert oops.cfar == 0xC00000000005DA68  # livepatch_handler's branch to it
    assert oops.gprs[1:4] == (0xC000000002BE3A90, 0xC0080000001B8000, 3)
    assert oops.gprs[28:] == (0xC000000002BE3BF0, 1, 1, 0xC000000002F10000)
    assert oops.call_trace[:2] == (
        Called(
            0xC000000002BE3A90,
            0xC0080000001E023C,
            "leaf_probe_wait_show+0x34/0x70 [leaf_probe]",
            reliable=False,
        ),
        Called(0xC000000002BE3B00, 0xC0000000002AEA3C, "seq_read_iter+0x24c/0x620", reliable=True),
    )
    # What entered the kernel is no part of it.
    assert len(oops.call_trace) == 8
    assert oops.call_trace[-1].symbol == "system_call_vectored_common+0xf0/0x280"


@pytest.mark.parametrize(
    ("name", "trap", "nip_symbol", "lr_symbol", "calls"),
    [
        ("6.1-hash", 0x400, "0x0", "int_to_scsilun+0x8/0x40 [scsi_common]", 11),
        ("6.12", 0x400, "0x0", "int_to_scsilun+0x8/0x40 [scsi_common]", 11),
        ("7.2", 0x400, "0x0", "scsi_set_sense_field_pointer+0x270/0xfb08 [scsi_common]", 11),
        (
            "7.2-pcrel",
            0x300,
            "crashing_leaf_probe_wait_here+0x14/0x1c [crash_patch]",
            "livepatch_handler+0x30/0x64",
            7,
        ),
    ],
)
def test_kernels(name: str, trap: int, nip_symbol: str, lr_symbol: str, calls: int) -> None:
    oops = parse_oops(text(name))
    assert oops is not None
    assert oops.message.startswith("BUG: ")
    assert (oops.trap, oops.comm) == (trap, "cat")
    assert (oops.nip_symbol, oops.lr_symbol) == (nip_symbol, lr_symbol)
    assert (oops.dar == 0x10) == (trap == 0x300)
    assert oops.gprs[12] == oops.ctr
    assert oops.gprs[1] == oops.call_trace[0].sp
    assert len(oops.call_trace) == calls


def test_first_of_two() -> None:
    assert parse_oops(text("6.1") + text("6.12")) == parse_oops(text("6.1"))


def test_no_oops() -> None:
    assert parse_oops("lab: booted\n") is None
    # A warning has registers and a call trace too.
    warning = text("warning-6.1")
    assert "\n[    7.350577] GPR00: " in warning
    assert parse_oops(warning) is None


def test_message_of_a_bug() -> None:
    bug = re.sub("BUG: .*\n", "kernel BUG at lib/list_debug.c:26!\n", text("6.12"))
    oops = parse_oops(bug)
    assert oops is not None
    assert oops.message == "kernel BUG at lib/list_debug.c:26!"


def test_message_without_bug() -> None:
    oops = parse_oops(re.sub(".*BUG: .*\n", "", text("6.12")))
    assert oops is not None
    assert oops.message == "Kernel access of bad area"


@pytest.mark.parametrize("line", ["NIP: .*", "REGS: .*", "GPR16: .*", "CPU: .*", r"NIP \[.*"])
def test_cut_short(line: str) -> None:
    with pytest.raises(GuestError, match="the oops has"):
        parse_oops(re.sub(rf"(\] ){line}\n", r"\1\n", text("7.2")))
