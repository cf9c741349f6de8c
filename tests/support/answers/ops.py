# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``ops`` built by hand."""

import dataclasses

from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.ops import DirectCall, Filter, FtraceOps, OpsList
from klp_debug.result.unknown import AtLeast, Unknown
from tests.support.answers.kernel import KERNEL

EMPTY = Filter(0, ())
LIVEPATCH = FtraceOps(
    address=Address(0xC0000000027D8120),
    symbol=None,
    func=Address(0xC00000000013B5E0),
    func_symbol="klp_ftrace_handler",
    user="livepatch",
    patch="leaf_patch",
    flags=("IPMODIFY", "ENABLED"),
    flags_word=Address(0x1001),
    trampoline=None,
    managed_by=None,
    direct_calls=(),
    all_functions=False,
    filter=Filter(1, ("int_to_scsilun [scsi_common]",)),
    notrace=EMPTY,
    hooks=1,
    hooked=("int_to_scsilun [scsi_common]",),
)
TRACER = dataclasses.replace(
    LIVEPATCH,
    address=Address(0xC000000001F00000),
    symbol="global_ops",
    func_symbol=None,
    user=None,
    patch=None,
    flags=("ENABLED",),
    all_functions=True,
    filter=EMPTY,
    notrace=Filter(6, ("a", "b", "c", "d", "e", "f")),
    hooks=15292,
    hooked=None,
    held_by=("instance mine",),
)
MANAGED = dataclasses.replace(
    LIVEPATCH,
    address=Address(0xC0000000027D9000),
    patch=None,
    user="fprobes",
    func_symbol="fprobe_entry",
    flags=(),
    managed_by=TRACER.address,
)

UNREAD = Unknown("ftrace_ops 0xc0000000027d8120: page 0x3ee0000 is not in the dump")
UNKNOWN = OpsList(
    kernel=KERNEL,
    ftrace_enabled=UNREAD,
    ops=(
        dataclasses.replace(
            LIVEPATCH,
            symbol=UNREAD,
            func_symbol=UNREAD,
            user=UNREAD,
            patch=UNREAD,
            direct_calls=(DirectCall("vfs_read", Address(0xC008000000300000), UNREAD), UNREAD),
            hooks=AtLeast(1, UNREAD.reason),
            hooked=("int_to_scsilun [scsi_common]", UNREAD),
            held_by=("kprobe on f+0x0", UNREAD),
        ),
        UNREAD,
    ),
    sites=AtLeast(15298, UNREAD.reason),
    problems=(Problem("ftrace_ops 0xc0000000027d8120", "page 0x3ee0000 is not in the dump"),),
)
"""It has something unknown in every place where that can be."""
