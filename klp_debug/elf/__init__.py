# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads object files: sections, symbols, relocations and debug info. Needs no target."""
