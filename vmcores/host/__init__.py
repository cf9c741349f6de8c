# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine that the lab runs on: its packages, the cache, and stages with a log and progress."""
