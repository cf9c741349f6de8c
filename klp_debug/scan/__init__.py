# SPDX-License-Identifier: GPL-2.0-or-later
"""Object files before anything is loaded: which functions can be traced, what a patch will hurt."""
