# SPDX-License-Identifier: GPL-2.0-or-later
"""What tasks do: their traces, and what a transition waits for."""
