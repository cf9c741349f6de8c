# SPDX-License-Identifier: GPL-2.0-or-later
"""The front doors: each turns what its host gives it into a command and its answer into text."""
