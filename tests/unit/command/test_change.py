# SPDX-License-Identifier: GPL-2.0-or-later
"""How the commands that write take their arguments."""

import pytest

from klp_debug.frontend.cli import parser


@pytest.mark.parametrize("command", ["arm", "disarm"])
def test_a_patch_has_the_name_that_the_kernel_has_for_it(command: str) -> None:
    for written in ("kpatch-cve-2026", "kpatch_cve_2026"):
        args = parser().parse_args([command, written, "--gdb", "stub"])
        assert args.patch == "kpatch_cve_2026"
