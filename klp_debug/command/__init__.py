# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands, one a file; every front end offers what :data:`COMMANDS` lists."""

from klp_debug.command.audit import AUDIT
from klp_debug.command.bt import BT
from klp_debug.command.command import Command
from klp_debug.command.func import FUNC
from klp_debug.command.list import LIST
from klp_debug.command.ops import OPS
from klp_debug.command.report import REPORT
from klp_debug.command.scan import SCAN
from klp_debug.command.site import SITE
from klp_debug.command.transition import TRANSITION

COMMANDS: tuple[Command, ...] = (REPORT, LIST, FUNC, SITE, OPS, AUDIT, BT, TRANSITION, SCAN)
