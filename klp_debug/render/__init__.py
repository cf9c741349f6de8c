# SPDX-License-Identifier: GPL-2.0-or-later
"""The only rooms that turn answers into text or JSON; they know nothing but result types."""
