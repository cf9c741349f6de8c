// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replaces scsi_common's scsi_set_sense_information() by a function that ends
 * in a sibling call of the kernel's strnlen().
 *
 * The stub of that call puts this module's TOC where the caller of the
 * original has put its own. The compiler makes such a call only of a function
 * in the same module, which kpatch-build may then turn into an outer one.
 */
#include <linux/string.h>
#include <linux/types.h>
#include "patch_module.h"

int sibling_scsi_set_sense_information(u8 *buf, int buf_len, u64 info);

asm(
"	.pushsection .text\n"
"	.globl	sibling_scsi_set_sense_information\n"
"	.type	sibling_scsi_set_sense_information,@function\n"
"	.balign	16\n"
"sibling_scsi_set_sense_information:\n"
"0:	addis	2,12,.TOC.-0b@ha\n"
"	addi	2,2,.TOC.-0b@l\n"
"	.localentry sibling_scsi_set_sense_information,.-sibling_scsi_set_sense_information\n"
"	b	strnlen\n"
"	.size	sibling_scsi_set_sense_information,.-sibling_scsi_set_sense_information\n"
"	.popsection\n"
);

SINGLE_PATCH("scsi_common", "scsi_set_sense_information", sibling_scsi_set_sense_information);
