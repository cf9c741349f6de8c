# SPDX-License-Identifier: GPL-2.0-or-later
"""Every contradiction between sites, records, ops and patches."""
