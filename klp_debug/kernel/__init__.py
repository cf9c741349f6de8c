# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the kernel's structures say: livepatch, ftrace, modules.

Functions are named as the kernel names things and take and return drgn objects. They decode
no instruction and print nothing. The target is distrusted: walks are bounded, sizes checked.
"""
