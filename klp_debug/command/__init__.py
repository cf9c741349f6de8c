# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands, one a file; every front end offers what :data:`COMMANDS` lists."""

from klp_debug.command.arm import ARM
from klp_debug.command.audit import AUDIT
from klp_debug.command.bt import BT
from klp_debug.command.command import Command
from klp_debug.command.disarm import DISARM
from klp_debug.command.func import FUNC
from klp_debug.command.journal import JOURNAL
from klp_debug.command.list import LIST
from klp_debug.command.ops import OPS
from klp_debug.command.report import REPORT
from klp_debug.command.scan import SCAN
from klp_debug.command.site import SITE
from klp_debug.command.status import STATUS
from klp_debug.command.transition import TRANSITION
from klp_debug.command.undo import UNDO

COMMANDS: tuple[Command, ...] = (
    *(REPORT, LIST, FUNC, SITE, OPS, AUDIT, BT, TRANSITION),
    *(STATUS, DISARM, ARM, UNDO, JOURNAL),
    SCAN,
)
