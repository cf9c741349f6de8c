# SPDX-License-Identifier: GPL-2.0-or-later
"""A report as one page that needs nothing else: no network, no script, no other file."""
