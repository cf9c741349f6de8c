# SPDX-License-Identifier: GPL-2.0-or-later
"""The target as all questions see it: its memory, symbols and records, each read once."""
