# SPDX-License-Identifier: GPL-2.0-or-later
"""
The removal test: no answer states what was not read.

A command is run on a good dump, and every page that it reads is noted. Then each page in turn is
taken away, and the command is run again: whatever it states now must be what it stated before, or
say that it is unknown, or be gone from a list that says it is incomplete.
"""
