# SPDX-License-Identifier: GPL-2.0-or-later
"""``klp`` in GDB: prefix command, settings and convenience functions. Imported inside GDB alone."""
