# SPDX-License-Identifier: GPL-2.0-or-later
"""
How ``ftrace_caller`` leaves, as instruction words.

The words are those of Debian's Linux 7.2.12, from ``mr r15,r11`` on; the order of 6.13 is that of
its source, which has ``1: mtlr r3`` behind the restore.
"""

MR_R15_R11 = 0x7D6F5B78
CMPD_R14_R3 = 0x7C2E1800
BNE_8, BNE_12 = 0x40C20008, 0x40C2000C
MR_R3_R15 = 0x7DE37B78
MTLR_R3 = 0x7C6803A6
LD_R15_168_R1 = 0xE9E100A8
LD_R3_72_R1 = 0xE8610048
BNE_HANDLER = 0x40C20040
BLR = 0x4E800020
NOP = 0x60000000

HEAD = (NOP, MR_R15_R11, 0x810B0004, 0x4E800421, 0xE8610130, CMPD_R14_R3)
TAIL = (LD_R3_72_R1, BNE_HANDLER, BLR)
MENDED = (*HEAD, BNE_8, MR_R3_R15, MTLR_R3, LD_R15_168_R1, *TAIL)
BROKEN = (*HEAD, BNE_12, MR_R3_R15, LD_R15_168_R1, MTLR_R3, *TAIL)
