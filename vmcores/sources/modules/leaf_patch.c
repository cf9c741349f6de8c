// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces scsi_common's int_to_scsilun(), a leaf function without TOC set-up. */
#include <linux/string.h>
#include <scsi/scsi_common.h>
#include "patch_module.h"

static void patched_int_to_scsilun(u64 lun, struct scsi_lun *scsilun)
{
	memset(scsilun->scsi_lun, 0xa5, sizeof(scsilun->scsi_lun));
}

SINGLE_PATCH("scsi_common", "int_to_scsilun", patched_int_to_scsilun);
