# SPDX-License-Identifier: GPL-2.0-or-later
"""Tells what a ppc64le kernel really runs when a live-patched function is called."""
