# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs guests: QEMU, the shell in them, and those that go on where one was saved."""
