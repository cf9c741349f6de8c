# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done in a guest, how it is captured, and what must be true then."""
