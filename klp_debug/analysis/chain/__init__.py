# SPDX-License-Identifier: GPL-2.0-or-later
"""What a call of a function really runs, link by link."""
