# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes what guests boot: kernels, modules, the user land."""
