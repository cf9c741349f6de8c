# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest says of itself: the word that answers are compared with."""
