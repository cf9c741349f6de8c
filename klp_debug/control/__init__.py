# SPDX-License-Identifier: GPL-2.0-or-later
"""
Arm, disarm, undo: the only rooms that write to a target.

A change goes one way: plan (which bytes, and why) -> safety (may they change now) -> journal (what
is about to be done, on disk) -> apply (compare, write, read back, or take all back).
"""
