# SPDX-License-Identifier: GPL-2.0-or-later
"""
Words of real functions and stubs, and what is known about them from elsewhere.

Every number here was printed by something that is not this project: a mailing list post, objdump,
nm, readelf, /proc/kallsyms of a guest.
"""

import struct


def words_of(listing: str) -> tuple[int, ...]:
    """Make words of the byte columns of an objdump listing."""
    data = bytes.fromhex(listing)
    return struct.unpack(f"<{len(data) // 4}I", data)


# The post that started this project: Petr Mladek, "Re: [PATCH v6 8/9] Implement kernel live
# patching for ppc64le (ABIv2)", linuxppc-dev, 2016-02-02. gcc 4.8.5, scsi_common.o, not linked.
SEED_LEAF_ADDRESS = 0x2D0
SEED_LEAF = words_of(
    """
    a6 02 08 7c
    10 00 01 f8
    01 00 00 48
    a6 02 08 7c
    10 00 01 f8
    e1 ff 21 f8
    00 00 20 39
    00 00 24 f9
    04 00 20 39
    a6 03 29 7d
    00 00 40 39
    02 c2 68 78
    78 23 89 7c
    ee 51 09 7d
    02 00 4a 39
    01 00 69 98
    02 84 63 78
    e8 ff 00 42
    20 00 21 38
    10 00 01 e8
    a6 03 08 7c
    20 00 80 4e
    00 00 00 60
    00 00 42 60
    """
)
SEED_NON_LEAF_ADDRESS = 0x330
SEED_NON_LEAF = words_of(
    """
    00 00 4c 3c
    00 00 42 38
    a6 02 08 7c
    10 00 01 f8
    01 00 00 48
    """
)

# Linux 6.1 vmlinux (gcc 12.2), objdump -d --disassemble=cmdline_proc_show.
CMDLINE_PROC_SHOW_ADDRESS = 0xC0000000002F72F0
CMDLINE_PROC_SHOW = words_of(
    "4a 00 4c 3c 10 0d 42 38 a6 02 08 7c f5 4f d6 4b c1 00 22 3d a6 02 08 7c f8 ff e1 fb"
)
# The same in a vmcore, patched by two livepatches: its site calls ftrace_caller.
CMDLINE_PROC_SHOW_ARMED_SITE = 0x4BD66711
# nm vmlinux
KERNEL_TOC = 0xC000000000798000
MCOUNT = 0xC00000000005C2F0
FTRACE_CALLER = 0xC00000000005DA0C
FTRACE_REGS_CALLER = 0xC00000000005D878
# objdump -d --disassemble=_mcount
MCOUNT_WORDS = words_of("a6 02 88 7d a6 03 89 7d a6 03 08 7c 20 04 80 4e")

# Linux 6.1 drivers/scsi/scsi_common.ko (gcc 12.2, -mcmodel=large), objdump -dr, not loaded.
KO_NON_LEAF_ADDRESS = 0x338
KO_NON_LEAF = words_of("f8 ff 4c e8 14 62 42 7c a6 02 08 7c 01 00 00 48 f0 ff c1 fb f8 ff e1 fb")
KO_NON_LEAF_ST_OTHER = 0x60  # readelf -s: <localentry>: 8

# The same module loaded in a guest (vmcore, both functions patched). Addresses are kallsyms'; the
# tramps are mod->arch.tramp and tramp_regs.
LEAF_ADDRESS = 0xC0080000001401E0
LEAF = (
    0x7C0802A6,
    0x4800045D,
    0x39200004,
    0x39400000,
    0x7D2903A6,
    0x7C892378,
    0xF9440000,
    0x786AC202,
)
NON_LEAF_ADDRESS = 0xC008000000140338
NON_LEAF = (
    0x3C4C0002,
    0x38427DC8,
    0x7C0802A6,
    0x480002FD,
    0xFBC1FFF0,
    0xFBE1FFF8,
    0x7CBE2B78,
    0x7C7F1B78,
)
NON_LEAF_TOC_QUAD = 0x27DC8
SCSI_COMMON_TRAMP = 0xC008000000140640
SCSI_COMMON_TRAMP_WORDS = (
    0xE98D0010,
    0x3D8CFF8C,
    0x398C5A0C,
    0x7D8903A6,
    0x4E800420,
    0x00000000,
    0x00000000,
    0x73747562,
    0x0005DA0C,
    0xC0000000,
)
# scsi_device_type, not traced.
IDLE_ADDRESS = 0xC008000000140008
IDLE = (0x3C4C0003, 0x384280F8, 0x7C0802A6, 0x60000000, 0x2803001E, 0x41820044)
SCSI_COMMON_TOC = 0xC008000000168100  # func + quad of each of its functions

# ftrace_tramp_text of the same guest, for ftrace_regs_caller.
FTRACE_TRAMP_TEXT_ADDRESS = 0xC0000000005F7C78
FTRACE_TRAMP_TEXT = (0xE98D0010, 0x3D8CFF8C, 0x398C5878, 0x7D8903A6, 0x4E800420, 0, 0, 0)
PACA_KERNEL_TOC_OFFSET = 16  # offsetof(struct paca_struct, kernel_toc), from its DWARF

# An ordinary stub in leaf_probe, a module of the same guest: its call of int_to_scsilun.
ORDINARY_STUB_ADDRESS = 0xC008000000200588
ORDINARY_STUB = (
    0x3D62FFFE,
    0x396B8588,
    0xF8410018,
    0xE98B0020,
    0x7D8903A6,
    0x4E800420,
    0x00000000,
    0x73747562,
    0x001401E0,
    0xC0080000,
)
LEAF_PROBE_TOC = 0xC008000000228000  # leaf_probe_show + its quad

# The seed's crash, reproduced in another guest: scsi_common's ftrace stub replaced by what kernels
# before 336a7b5dd80a made, "addis r11,r2,-2; addi r11; std r2,24(r1); ld r12,32(r11); ...".
CRASH_STUB_ADDRESS = 0xC008000000120640
CRASH_STUB = (0x3D62FFFE, 0x396B8540, 0xF8410018, 0xE98B0020, 0x7D8903A6, 0x4E800420)
CRASH_R2 = 0xC008000000208000  # the caller's, from the oops
CRASH_R11 = 0xC0080000001E0540  # from the oops
CRASH_SCSI_COMMON_TOC = 0xC008000000148100

# gcc 12.2 -O2 -pg -mcmodel=large (no mprofile-kernel): int leaf(int x) { return x * 3 + 1; }
PG_LEAF_ADDRESS = 0x8
PG_LEAF = words_of(
    """
    f8 ff 4c e8
    14 62 42 7c
    a6 02 08 7c
    f8 ff e1 fb
    78 1b 7f 7c
    10 00 01 f8
    d1 ff 21 f8
    01 00 00 48
    00 00 00 60
    30 00 21 38
    3c 08 e9 57
    """
)
PG_LEAF_SITE = 0x24

# gcc 12.2 -O2 -pg -mprofile-kernel -mcpu=power10 -mpcrel: calls and reads a global; readelf says
# <localentry>: 1. objdump shows "pld r10,0 # 40" at 0x40.
PCREL_ADDRESS = 0x30
PCREL = words_of(
    """
    a6 02 08 7c
    01 00 00 48
    a6 02 08 7c
    00 00 00 60
    00 00 10 04
    00 00 40 e5
    78 1b 69 7c
    10 00 01 f8
    """
)
PCREL_ST_OTHER = 0x20

# gcc 12.2 -O2 -fpatchable-function-entry=2: int leaf(int x) { return x * 3 + 1; }
PATCHABLE_BUILT = words_of("00 00 00 60 00 00 00 60 3c 08 69 54 14 1a 69 7c 01 00 63 38")
# The same, of a function with a TOC: gcc 12 puts the nops first, and readelf says <localentry>: 16,
# for which the kernel rejects this compiler.
PATCHABLE_REJECTED = words_of(
    "00 00 00 60 00 00 00 60 00 00 4c 3c 00 00 42 38 a6 02 08 7c 00 00 42 3d"
)
PATCHABLE_REJECTED_ST_OTHER = 0x80

# Assembled by GNU as from the template in ftrace_init_ool_stub(), at 0x100 and 0x400:
#   func: b stub; li r3,1; blr
#   stub: mflr r0; bl caller (0x1000); mtlr r0; b func+4
OOL_FUNCTION_ADDRESS = 0x100
OOL_FUNCTION = words_of("00 03 00 48 01 00 60 38 20 00 80 4e")
OOL_STUB_ADDRESS = 0x400
OOL_STUB = words_of("a6 02 08 7c fd 0b 00 48 a6 03 08 7c f8 fc ff 4b")
OOL_CALLER = 0x1000

# GNU as, at 0x10: mflr r0; std r0,16(r1); bl to 0x1010.
MPROFILE_3_ARMED = words_of("a6 02 08 7c 10 00 01 f8 f9 0f 00 48")
# GNU as, at 0: mflr r0; nop; bl to 0x1000; stdu r1,-32(r1).
MPROFILE_3_STD_NOPPED = words_of("a6 02 08 7c 00 00 00 60 f9 0f 00 48 e1 ff 21 f8")

# GNU ld: a call over 256 MiB makes "plt_branch.far"; the table entry is at .TOC. - 32752.
PLT_BRANCH_ADDRESS = 0xC000000000000000
PLT_BRANCH = words_of("10 80 82 e9 a6 03 89 7d 20 04 80 4e")
PLT_BRANCH_TOC = 0xC000000010008000
PLT_BRANCH_TABLE = {0xC000000010000010: 0xC000000010000008}

# GNU as: pld r12,32(0),1; mtctr r12; bctr (ppc64_stub_insns of CONFIG_PPC_KERNEL_PCREL).
PCREL_STUB = words_of("00 00 10 04 20 00 80 e5 a6 03 89 7d 20 04 80 4e")
# GNU as: ld r12,40(r13); nop; paddi r12,r12,0x12345678; mtctr r12; bctr (its stub_insns).
PCREL_FTRACE_STUB = words_of(
    "28 00 8d e9 00 00 00 60 34 12 00 06 78 56 8c 39 a6 03 89 7d 20 04 80 4e"
)
# GNU as: pla r12,-8; mtctr r12; bctr
PLA_STUB = words_of("ff ff 13 06 f8 ff 80 39 a6 03 89 7d 20 04 80 4e")
