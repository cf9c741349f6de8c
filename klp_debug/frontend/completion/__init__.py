# SPDX-License-Identifier: GPL-2.0-or-later
"""What a word can be completed to, in the console and in GDB."""
