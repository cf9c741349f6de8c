# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel that a debugger stopped: QEMU's gdbstub and KGDB, spoken to through GDB."""
