# SPDX-License-Identifier: GPL-2.0-or-later
"""
The listing that this project starts from, as the object file that objdump was given.

Petr Mladek, "Re: [PATCH v6 8/9] Implement kernel live patching for ppc64le (ABIv2)", 2 February
2016, linuxppc-dev: scsi_common.o of Linux 4.5-rc1, by gcc 4.8.5.
"""

from tests.support.made_object import ALLOC, EXEC, REL16_HA, REL16_LO, REL24, UNDEF, MadeObject

INT_TO_SCSILUN, SCSI_SET_SENSE_INFORMATION = 0x2D0, 0x330

_LISTING = """
    a6 02 08 7c  10 00 01 f8  01 00 00 48  a6 02 08 7c  10 00 01 f8  e1 ff 21 f8
    00 00 20 39  00 00 24 f9  04 00 20 39  a6 03 29 7d  00 00 40 39  02 c2 68 78
    78 23 89 7c  ee 51 09 7d  02 00 4a 39  01 00 69 98  02 84 63 78  e8 ff 00 42
    20 00 21 38  10 00 01 e8  a6 03 08 7c  20 00 80 4e  00 00 00 60  00 00 42 60

    00 00 4c 3c  00 00 42 38  a6 02 08 7c  10 00 01 f8  01 00 00 48
"""
"""From int_to_scsilun to where the post breaks scsi_set_sense_information off."""


def seed_object() -> MadeObject:
    made = MadeObject()
    text = made.section(
        ".text", b"\0" * INT_TO_SCSILUN + bytes.fromhex(_LISTING), flags=ALLOC | EXEC
    )
    made.section(".comment", b"GCC: (SUSE Linux) 4.8.5\0", flags=0)
    made.symbol("int_to_scsilun", text, INT_TO_SCSILUN, 0x58)
    # Two entry points, the local one 8 bytes behind: st_other 3 << 5.
    made.symbol("scsi_set_sense_information", text, SCSI_SET_SENSE_INFORMATION, 20, other=0x60)
    toc = made.symbol(".TOC.", UNDEF, kind=0)
    mcount = made.symbol("_mcount", UNDEF, kind=0)
    made.relocate(text, 0x2D8, REL24, mcount)
    made.relocate(text, 0x330, REL16_HA, toc)
    made.relocate(text, 0x334, REL16_LO, toc, 4)
    made.relocate(text, 0x340, REL24, mcount)
    return made
