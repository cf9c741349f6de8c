# SPDX-License-Identifier: GPL-2.0-or-later
"""What the instruction words of ppc64le say. Pure: words in, facts out."""
