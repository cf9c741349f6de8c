# SPDX-License-Identifier: GPL-2.0-or-later
"""Pages for users; those that the code can write are made by the modules here."""
