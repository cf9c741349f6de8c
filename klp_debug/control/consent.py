# SPDX-License-Identifier: GPL-2.0-or-later
"""How a front door lets its user see a change before it is written, and agree to it."""

from collections.abc import Callable
from dataclasses import dataclass

from klp_debug.result.control import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a change is shown and agreed to by; every front door has to give both."""

    confirm: Callable[[Change], bool] | None
    """Shows the change and asks whether to write it; None where nobody can be asked."""
    show: Callable[[Change], None]
    """Shows the change that ``--yes`` agreed to beforehand."""
