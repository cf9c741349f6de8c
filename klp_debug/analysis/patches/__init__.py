# SPDX-License-Identifier: GPL-2.0-or-later
"""Which patches there are, what each replaces, and who hooks the functions."""
