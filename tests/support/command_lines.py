# SPDX-License-Identifier: GPL-2.0-or-later
"""A line for each command, as it is typed in the shell, in drgn, in GDB or in the console."""

LINES = {
    "report": "report",
    "list": "list",
    "func": "func int_to_scsilun",
    "site": "site int_to_scsilun",
    "ops": "ops",
    "audit": "audit --sites",
    "bt": "bt crashed",
    "transition": "transition",
    "arm": "arm leaf_patch --dry-run",
    "disarm": "disarm leaf_patch --dry-run",
    "undo": "undo --dry-run",
    "status": "status",
    "journal": "journal",
    "scan": "scan VMLINUX",
}
"""What is typed to try each command."""
