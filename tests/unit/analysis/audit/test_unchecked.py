# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands for a check that could not be made."""

from klp_debug.analysis.audit.unchecked import unchecked
from klp_debug.result.unknown import Unknown


def test_it_names_the_check_once() -> None:
    why = unchecked("ftrace_ops_list", Unknown("page 0x3ee0000 is not in the dump"))
    assert why == Unknown("ftrace_ops_list: page 0x3ee0000 is not in the dump")
    assert unchecked("ftrace_ops_list", why) == why
