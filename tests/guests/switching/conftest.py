# SPDX-License-Identifier: GPL-2.0-or-later
"""Journals of these tests are in folders of their own."""

from tests.support.journal_folder import state_home

__all__ = ["state_home"]
