# SPDX-License-Identifier: GPL-2.0-or-later
"""The target of the GDB inside of which we run. Only there ``import gdb`` works."""
