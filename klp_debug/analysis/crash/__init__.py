# SPDX-License-Identifier: GPL-2.0-or-later
"""Crash analysis: the scene of a crash, one file for each rule that may explain it, the verdict."""
