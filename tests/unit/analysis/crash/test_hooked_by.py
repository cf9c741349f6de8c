# SPDX-License-Identifier: GPL-2.0-or-later
"""Who hooks a site, in words."""

import dataclasses

from klp_debug.analysis.crash.hooked_by import hooked_by
from klp_debug.result.address import Address
from klp_debug.result.site import SiteOps
from klp_debug.result.unknown import Unknown

CUT = Unknown("ftrace_ops_list: is cut")
PATCH = SiteOps(
    address=Address(0xC000000001000000),
    symbol=None,
    user="livepatch",
    patch="first",
    func=Address(0xC000000000100000),
    func_symbol="klp_ftrace_handler",
    flags=(),
)
TRACER = dataclasses.replace(PATCH, user="function tracer", patch=None)


def test_patches_by_name_and_others_by_what_they_are() -> None:
    assert hooked_by((PATCH, TRACER, PATCH)) == "first, function tracer"
    assert hooked_by(()) == ""


def test_what_could_not_be_read() -> None:
    assert hooked_by((PATCH, CUT)) == "first, ops that are unknown"
    nameless = dataclasses.replace(PATCH, patch=CUT)
    assert hooked_by((nameless,)) == "a patch that is unknown"
    assert hooked_by((dataclasses.replace(TRACER, user=CUT),)) == "an unknown ops"


def test_a_callback_that_nobody_is_known_by() -> None:
    assert hooked_by((dataclasses.replace(TRACER, user=None),)) == "an unknown ops"
