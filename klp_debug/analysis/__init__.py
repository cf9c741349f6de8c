# SPDX-License-Identifier: GPL-2.0-or-later
"""What structures and instructions mean together: who wins, what a call really runs."""
