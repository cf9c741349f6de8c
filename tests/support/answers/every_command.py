# SPDX-License-Identifier: GPL-2.0-or-later
"""An answer of each command built by hand, and of some what could not be read."""

import dataclasses
from typing import Any

from klp_debug.result.bt import TraceList
from klp_debug.result.control import Journal
from klp_debug.result.list import PatchList
from klp_debug.result.ops import OpsList
from klp_debug.result.unknown import Unknown
from tests.support.answers.audit import FINE
from tests.support.answers.bt import SLEEPER
from tests.support.answers.change import DONE
from tests.support.answers.func import PATCHED
from tests.support.answers.func import UNKNOWN as UNKNOWN_FUNC
from tests.support.answers.journal import OPERATION, STATUS
from tests.support.answers.kernel import KERNEL
from tests.support.answers.list import ABSENT, BELOW, TOP, obj, patch
from tests.support.answers.list import UNKNOWN as UNKNOWN_LIST
from tests.support.answers.ops import LIVEPATCH, MANAGED, TRACER
from tests.support.answers.ops import UNKNOWN as UNKNOWN_OPS
from tests.support.answers.page import PAGE
from tests.support.answers.report import SEED
from tests.support.answers.report import UNKNOWN as UNKNOWN_REPORT
from tests.support.answers.scan import ERROR, MODULE, PATCH, WARNING, scan
from tests.support.answers.site import ARMED
from tests.support.answers.transition import STALLED

ANSWERS: dict[str, Any] = {
    "arm": dataclasses.replace(DONE, action="arm"),
    "audit": FINE,
    "bt": TraceList(KERNEL, (SLEEPER,), ()),
    "disarm": DONE,
    "func": PATCHED,
    "journal": Journal(
        kernel=KERNEL,
        boot=STATUS.boot,
        path=STATUS.journal,
        operations=(OPERATION,),
        problems=(),
    ),
    "list": PatchList(
        KERNEL, (patch(obj("scsi_common", TOP, BELOW), obj("ext4", ABSENT)),), None, (), ()
    ),
    "ops": OpsList(
        kernel=KERNEL,
        ftrace_enabled=Unknown("ftrace_enabled: page 0x3ee0000 is not in the dump"),
        ops=(LIVEPATCH, TRACER, MANAGED),
        sites=15298,
        problems=(),
    ),
    # Of kinds that there are; the schema names them.
    "report": dataclasses.replace(PAGE.report, findings=SEED.findings),
    "scan": scan(MODULE, PATCH, hazards=(WARNING, ERROR)),
    "site": ARMED,
    "status": STATUS,
    "transition": STALLED,
    "undo": dataclasses.replace(DONE, action="undo"),
}

UNKNOWN: dict[str, Any] = {
    "func": UNKNOWN_FUNC,
    "list": UNKNOWN_LIST,
    "ops": UNKNOWN_OPS,
    "report": dataclasses.replace(UNKNOWN_REPORT, patches=UNKNOWN_LIST.patches),
}
